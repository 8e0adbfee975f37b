"""h_t = (1 - alpha) h_{t-1} + alpha f(W h_{t-1} + W_ih x_t + b) with its own backward pass."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from ._activations import activate_, slope
from ._columns import drive_, drive_gradients
from ._product import Product
from ._replay import Loop, must_replay, replay


def leaky(
    product: Product,
    loop: Loop,
    nonlinearity: str,
    x: Tensor,
    weight_ih: Tensor,
    bias: Tensor | None,
    weight: Tensor,
    state: Tensor,
    *,
    alpha: float,
) -> Tensor:
    """Return h at all times (T, N, B).

    product: the products with `weight`. loop: the same pass with autograd, of the five tensors. nonlinearity: "tanh",
    "relu" or "softplus". x: (T, I, B). weight_ih: (N, I). bias: (N,). weight: W (N, N), or the values (E,) of its
    edges. state: h_0 (N, B).
    """
    states: Tensor = _Leaky.apply(  # type: ignore[no-untyped-call]
        product, loop, nonlinearity, alpha, x, weight_ih, bias, weight, state
    )
    return states


class _Leaky(torch.autograd.Function):
    """It keeps h, and f or, for softplus, its argument. dh_{t-1} = (1 - alpha) dh_t + W^T alpha f' dh_t."""

    @staticmethod
    def forward(
        ctx: Any,
        product: Product,
        loop: Loop,
        nonlinearity: str,
        alpha: float,
        x: Tensor,
        weight_ih: Tensor,
        bias: Tensor | None,
        weight: Tensor,
        state: Tensor,
    ) -> Tensor:
        states = x.new_empty(len(x) + 1, *state.shape)  # (T + 1, N, B), h_0 to h_T
        states[0] = state
        kept = torch.empty_like(states[1:])  # (T, N, B)
        drive_(kept, x, weight_ih, bias)
        for (before, after), sums in zip(pairwise(states.unbind(0)), kept.unbind(0), strict=True):
            product.add_(sums, before)
            torch.lerp(before, activate_(nonlinearity, sums), alpha, out=after)
        ctx.product, ctx.loop, ctx.nonlinearity, ctx.alpha = product, loop, nonlinearity, alpha
        ctx.save_for_backward(x, weight_ih, bias, weight, state, states, kept)
        return states[1:]

    @staticmethod
    def backward(ctx: Any, d_states: Tensor) -> tuple[Tensor | None, ...]:
        *tensors, states, kept = ctx.saved_tensors
        needed = ctx.needs_input_grad[4:]
        if must_replay(d_states):
            return None, None, None, None, *replay(ctx.loop, tensors, needed, [d_states])
        x, weight_ih, *_ = tensors
        deltas = torch.empty_like(kept)  # (T, N, B)
        d_state = torch.zeros_like(states[0])  # (N, B), the gradient of h_t from later times
        scaled = torch.empty_like(d_state)
        for t in reversed(range(len(x))):
            d_state.add_(d_states[t])
            torch.mul(d_state, ctx.alpha, out=scaled)
            slope(ctx.nonlinearity, scaled, kept[t], out=deltas[t])
            if t or needed[4]:
                ctx.product.add_transposed_(d_state.mul_(1 - ctx.alpha), deltas[t])
        d_weight = ctx.product.gradient(deltas, states[:-1]) if needed[3] else None
        gradients = *drive_gradients(needed, deltas, x, weight_ih), d_weight, d_state if needed[4] else None
        return None, None, None, None, *gradients
