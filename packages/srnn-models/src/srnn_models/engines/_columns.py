"""Linear maps of sequences in the layout of the engines: (T, I, B), a column per sequence of the batch."""

from typing import Any

import torch
from torch import Tensor

from ._product import outer


def drive_(out: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Write W x_t + b of each time step to out (T, R, B), from x (T, I, B), W (R, I) and b (R,)."""
    stacked = weight.expand(len(x), *weight.shape)  # (T, R, I)
    if bias is None:
        torch.bmm(stacked, x, out=out)
    else:
        torch.baddbmm(bias[:, None], stacked, x, out=out)


def drive_gradients(
    needed: tuple[bool, ...], deltas: Tensor, x: Tensor, weight: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradients of x (T, I, B), W (R, I) and b (R,) that are needed, from those of the drive (T, R, B).

    Autograd would make a gradient of W for each time step, (T, R, I); here it is one product.
    """
    by_x, by_weight, by_bias = needed[:3]
    return (
        torch.bmm(weight.t().expand(len(x), -1, -1), deltas) if by_x else None,  # (T, I, B)
        outer(deltas, x) if by_weight else None,  # (R, I)
        deltas.sum((0, 2)) if by_bias else None,  # (R,)
    )


def map_columns(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return W x_t + b of each time step, (T, O, B), from x (T, I, B), W (O, I) and b (O,)."""
    mapped: Tensor = _Columns.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return mapped


class _Columns(torch.autograd.Function):
    """Its backward consists of plain operations on what was given, so that it can be differentiated again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        out = x.new_empty(len(x), len(weight), x.shape[2])  # (T, O, B)
        drive_(out, x, weight, bias)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        return drive_gradients(ctx.needs_input_grad, gradient, *ctx.saved_tensors)
