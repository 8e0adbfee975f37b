"""Which steps of a recurrent module count: those whose new state the run kept."""

from collections.abc import Sequence as Series
from typing import Any

import torch
from torch import Tensor, nn

from ._calls import Call
from ._dependence import gradients_of_result
from ._links import Link, state_rows


def counted(module: nn.Module, calls: Series[Call], found: Series[Link], result: Any) -> list[Tensor]:
    """Return the rows of each call whose steps count, bool (B,) each: not those whose new state was not kept.

    Where the next call starts from the state of before, that is known. After the last call of a row, the gradients of
    the result of the run show which of its two states was kept; where they do not, the row is taken to do as before.
    """
    keep = [torch.ones_like(link.skipped) for link in found]
    for kept, link in zip(keep, found[1:], strict=False):
        both = min(len(kept), len(link.skipped))
        kept[:both] &= ~link.skipped[:both]
    ends = [_ends(number, found) for number in range(len(found))]
    asked = [number for number, rows in enumerate(ends) if bool(rows.any())]
    edges = [edge for number in asked for edge in (*calls[number].returned, *calls[number].given)]
    gradients = iter(gradients_of_result(result, edges))
    for number in asked:
        call, size = calls[number], len(keep[number])
        new = _nonzero(module, [next(gradients) for _ in call.returned], size)
        old = _nonzero(module, [next(gradients) for _ in call.given], size)
        unused = ~new & (found[number].skipped | (old & new.any()))  # some rows did keep it
        keep[number] &= ~(unused & ends[number])
    return keep


def _ends(number: int, found: Series[Link]) -> Tensor:
    """Return the rows (B,) whose sequence ends with the call of this number."""
    ends = torch.ones_like(found[number].skipped)
    if number + 1 < len(found):
        linked = found[number + 1].linked[: len(ends)]
        ends[: len(linked)] = ~linked
    return ends


def _nonzero(module: nn.Module, gradients: list[Tensor | None], size: int) -> Tensor:
    """Return the rows (B,) in which a gradient for a state is not 0; none where gradients are not known."""
    known = [gradient for gradient in gradients if gradient is not None]
    rows = state_rows(module, known)
    if rows is None or len(rows) != size:
        return torch.zeros(size, dtype=torch.bool, device=next(module.parameters()).device)
    return (rows != 0).any(1)
