"""The gated recurrent unit with its own backward pass, in the form of torch's `nn.GRU`."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from ._activations import sigmoid_slope, tanh_slope
from ._columns import drive_, drive_gradients
from ._product import Product
from ._replay import Loop, must_replay, replay


def gru(
    product: Product,
    loop: Loop,
    x: Tensor,
    weight_ih: Tensor,
    bias_ih: Tensor | None,
    weight: Tensor,
    bias_hh: Tensor | None,
    state: Tensor,
) -> Tensor:
    """Return h at all times (T, N, B).

    product: the products with `weight`. loop: the same pass with autograd, of the six tensors. x: (T, I, B). weight_ih:
    (3N, I). bias_ih, bias_hh: (3N,). weight: W (3N, N), or the values (E,) of its edges. state: h_0 (N, B). The rows
    are those of the gates r, z, n.
    """
    states: Tensor = _GRU.apply(  # type: ignore[no-untyped-call]
        product, loop, x, weight_ih, bias_ih, weight, bias_hh, state
    )
    return states


class _GRU(torch.autograd.Function):
    """It keeps h, r, z, a = W_hn h + b_hn and n. With dn that of the argument of tanh, da = r dn."""

    @staticmethod
    def forward(
        ctx: Any,
        product: Product,
        loop: Loop,
        x: Tensor,
        weight_ih: Tensor,
        bias_ih: Tensor | None,
        weight: Tensor,
        bias_hh: Tensor | None,
        state: Tensor,
    ) -> Tensor:
        size = len(state)
        states = x.new_empty(len(x) + 1, *state.shape)  # (T + 1, N, B), h_0 to h_T
        states[0] = state
        gates = x.new_empty(len(x), 4 * size, state.shape[1])  # (T, 4N, B): r, z, a, n
        rz, n_rows = slice(0, 2 * size), slice(2 * size, 3 * size)
        both = None if bias_ih is None or bias_hh is None else bias_ih[rz] + bias_hh[rz]
        drive_(gates[:, rz], x, weight_ih[rz], both)
        gates[:, n_rows] = 0 if bias_hh is None else bias_hh[n_rows, None]
        drive_(gates[:, 3 * size :], x, weight_ih[n_rows], None if bias_ih is None else bias_ih[n_rows])
        for (before, after), gate in zip(pairwise(states.unbind(0)), gates.unbind(0), strict=True):
            product.add_(gate[: 3 * size], before)
            gate[rz].sigmoid_()
            r, z, a, n = gate.chunk(4)  # (N, B) each
            torch.addcmul(n, r, a, out=n).tanh_()
            torch.lerp(n, before, z, out=after)
        ctx.product, ctx.loop = product, loop
        ctx.save_for_backward(x, weight_ih, bias_ih, weight, bias_hh, state, states, gates)
        return states[1:]

    @staticmethod
    def backward(ctx: Any, d_states: Tensor) -> tuple[Tensor | None, ...]:
        *tensors, states, gates = ctx.saved_tensors
        needed = ctx.needs_input_grad[2:]
        if must_replay(d_states):
            return None, None, *replay(ctx.loop, tensors, needed, [d_states])
        x, weight_ih, _, _, _, state = tensors
        size = len(state)
        deltas = x.new_empty(len(x), 3 * size, state.shape[1])  # (T, 3N, B), those of W h + b_hh: r, z, a
        d_n = torch.empty_like(states[1:])  # (T, N, B)
        d_state = torch.zeros_like(states[0])  # (N, B), the gradient of h_t from later times
        scratch = torch.empty_like(d_state)
        for t in reversed(range(len(x))):
            r, z, a, n = gates[t].chunk(4)  # (N, B) each
            d_r, d_z, d_a = deltas[t].chunk(3)
            d_state.add_(d_states[t])
            torch.addcmul(d_state, d_state, z, value=-1, out=scratch)
            tanh_slope(scratch, n, out=d_n[t])
            torch.mul(d_n[t], r, out=d_a)
            torch.mul(d_n[t], a, out=scratch)
            sigmoid_slope(scratch, r, out=d_r)
            torch.sub(states[t], n, out=scratch).mul_(d_state)
            sigmoid_slope(scratch, z, out=d_z)
            if t or needed[5]:
                ctx.product.add_transposed_(d_state.mul_(z), deltas[t])
        d_weight = ctx.product.gradient(deltas, states[:-1]) if needed[3] else None
        d_bias = deltas.sum((0, 2)) if needed[4] else None
        driven = _gradients_of_drive(needed, deltas[:, : 2 * size], d_n, x, weight_ih)
        return None, None, *driven, d_weight, d_bias, d_state if needed[5] else None


def _gradients_of_drive(
    needed: tuple[bool, ...], d_rz: Tensor, d_n: Tensor, x: Tensor, weight_ih: Tensor
) -> list[Tensor | None]:
    """Return the gradients of x, W_ih and b_ih, from those of the drives of r and z (T, 2N, B) and of n (T, N, B)."""
    rows = d_rz.shape[1]
    x_rz, *others_rz = drive_gradients(needed, d_rz, x, weight_ih[:rows])
    x_n, *others_n = drive_gradients(needed, d_n, x, weight_ih[rows:])
    d_x = None if x_rz is None or x_n is None else x_rz + x_n  # (T, I, B)
    pairs = zip(others_rz, others_n, strict=True)  # W_ih and b_ih, whose rows are those of the gates
    return [d_x, *(None if rz is None or n is None else torch.cat([rz, n]) for rz, n in pairs)]
