"""The long short-term memory with its own backward pass, in the form of torch's `nn.LSTM`."""

from typing import Any

import torch
from torch import Tensor

from ._activations import sigmoid_slope, tanh_slope
from ._columns import drive_, drive_gradients
from ._product import Product
from ._replay import Loop, must_replay, replay


def lstm(
    product: Product,
    loop: Loop,
    x: Tensor,
    weight_ih: Tensor,
    bias: Tensor | None,
    weight: Tensor,
    h: Tensor,
    c: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return h at all times (T, N, B) and the last c (N, B).

    product: the products with `weight`. loop: the same pass with autograd, of the six tensors. x: (T, I, B). weight_ih:
    (4N, I). bias: b_ih + b_hh (4N,). weight: W (4N, N), or the values (E,) of its edges. h, c: the state (N, B). The
    rows are those of i, f, g, o.
    """
    states, last = _LSTM.apply(  # type: ignore[no-untyped-call]
        product, loop, x, weight_ih, bias, weight, h, c
    )
    return states, last


class _LSTM(torch.autograd.Function):
    """It keeps h, c, tanh(c) and the four gates."""

    @staticmethod
    def forward(
        ctx: Any,
        product: Product,
        loop: Loop,
        x: Tensor,
        weight_ih: Tensor,
        bias: Tensor | None,
        weight: Tensor,
        h: Tensor,
        c: Tensor,
    ) -> tuple[Tensor, Tensor]:
        size = len(h)
        states, cells = (x.new_empty(len(x) + 1, *h.shape) for _ in range(2))  # (T + 1, N, B), from time 0
        states[0], cells[0] = h, c
        squashed = torch.empty_like(cells[1:])  # (T, N, B), tanh(c)
        gates = x.new_empty(len(x), 4 * size, h.shape[1])  # (T, 4N, B): i, f, g, o
        drive_(gates, x, weight_ih, bias)
        for t, gate in enumerate(gates.unbind(0)):
            product.add_(gate, states[t])
            i, f, g, o = gate.chunk(4)  # (N, B) each
            gate[: 2 * size].sigmoid_()
            g.tanh_()
            o.sigmoid_()
            torch.mul(f, cells[t], out=cells[t + 1]).addcmul_(i, g)
            torch.tanh(cells[t + 1], out=squashed[t])
            torch.mul(o, squashed[t], out=states[t + 1])
        ctx.product, ctx.loop = product, loop
        ctx.save_for_backward(x, weight_ih, bias, weight, h, c, states, cells, squashed, gates)
        return states[1:], cells[-1].clone()

    @staticmethod
    def backward(ctx: Any, d_states: Tensor, d_last: Tensor) -> tuple[Tensor | None, ...]:
        *tensors, states, cells, squashed, gates = ctx.saved_tensors
        needed = ctx.needs_input_grad[2:]
        if must_replay(d_states, d_last):
            return None, None, *replay(ctx.loop, tensors, needed, [d_states, d_last])
        x, weight_ih, *_ = tensors
        deltas = torch.empty_like(gates)  # (T, 4N, B)
        d_h, d_c = torch.zeros_like(states[0]), d_last.clone()  # (N, B) each, from later times
        scratch = torch.empty_like(d_h)
        for t in reversed(range(len(x))):
            i, f, g, o = gates[t].chunk(4)  # (N, B) each
            d_i, d_f, d_g, d_o = deltas[t].chunk(4)
            d_h.add_(d_states[t])
            torch.mul(d_h, squashed[t], out=scratch)
            sigmoid_slope(scratch, o, out=d_o)
            d_h.mul_(o)
            tanh_slope(d_h, squashed[t], out=scratch)
            d_c.add_(scratch)
            torch.mul(d_c, g, out=scratch)
            sigmoid_slope(scratch, i, out=d_i)
            torch.mul(d_c, cells[t], out=scratch)
            sigmoid_slope(scratch, f, out=d_f)
            torch.mul(d_c, i, out=scratch)
            tanh_slope(scratch, g, out=d_g)
            d_c.mul_(f)
            if t or needed[4]:
                ctx.product.add_transposed_(d_h.zero_(), deltas[t])
        d_weight = ctx.product.gradient(deltas, states[:-1]) if needed[3] else None
        ends = d_h if needed[4] else None, d_c if needed[5] else None
        return None, None, *drive_gradients(needed, deltas, x, weight_ih), d_weight, *ends
