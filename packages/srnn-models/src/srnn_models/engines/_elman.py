"""h_t = s(W h_{t-1} + W_ih x_t + b) with its own backward pass: Elman networks, and leaky ones with alpha = 1."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from ._activations import activate_, slope
from ._columns import drive_, drive_gradients
from ._product import Product
from ._replay import Loop, must_replay, replay


def elman(
    product: Product,
    loop: Loop,
    nonlinearity: str,
    x: Tensor,
    weight_ih: Tensor,
    bias: Tensor | None,
    weight: Tensor,
    state: Tensor,
) -> Tensor:
    """Return h at all times (T, N, B).

    product: the products with `weight`. loop: the same pass with autograd, of the five tensors. nonlinearity: "tanh" or
    "relu". x: (T, I, B). weight_ih: (N, I). bias: (N,). weight: W (N, N), or the values (E,) of its edges. state: h_0
    (N, B).
    """
    states: Tensor = _Elman.apply(  # type: ignore[no-untyped-call]
        product, loop, nonlinearity, x, weight_ih, bias, weight, state
    )
    return states


class _Elman(torch.autograd.Function):
    """It keeps h. With delta_t the gradient of the argument of s, delta_t = s' (dh_t + W^T delta_{t+1})."""

    @staticmethod
    def forward(
        ctx: Any,
        product: Product,
        loop: Loop,
        nonlinearity: str,
        x: Tensor,
        weight_ih: Tensor,
        bias: Tensor | None,
        weight: Tensor,
        state: Tensor,
    ) -> Tensor:
        states = x.new_empty(len(x) + 1, *state.shape)  # (T + 1, N, B), h_0 to h_T
        states[0] = state
        drive_(states[1:], x, weight_ih, bias)
        for before, after in pairwise(states.unbind(0)):
            product.add_(after, before)
            activate_(nonlinearity, after)
        ctx.product, ctx.loop, ctx.nonlinearity = product, loop, nonlinearity
        ctx.save_for_backward(x, weight_ih, bias, weight, state, states)
        return states[1:]

    @staticmethod
    def backward(ctx: Any, d_states: Tensor) -> tuple[Tensor | None, ...]:
        *tensors, states = ctx.saved_tensors
        needed = ctx.needs_input_grad[3:]
        if must_replay(d_states):
            return None, None, None, *replay(ctx.loop, tensors, needed, [d_states])
        x, weight_ih, *_ = tensors
        deltas = torch.empty_like(states[1:])  # (T, N, B)
        d_state = torch.zeros_like(states[0])  # (N, B), the gradient of h_t from later times
        for t in reversed(range(len(x))):
            d_state.add_(d_states[t])
            slope(ctx.nonlinearity, d_state, states[t + 1], out=deltas[t])
            if t or needed[4]:
                ctx.product.add_transposed_(d_state.zero_(), deltas[t])
        d_weight = ctx.product.gradient(deltas, states[:-1]) if needed[3] else None
        gradients = *drive_gradients(needed, deltas, x, weight_ih), d_weight, d_state if needed[4] else None
        return None, None, None, *gradients
