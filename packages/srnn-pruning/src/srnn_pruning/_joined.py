"""The sequences of several calls of a module: joined in time where rows continue, otherwise as a batch."""

from collections.abc import Sequence as Series

import torch
from torch import Tensor

from ._links import Link
from ._sequence import Sequence


def joined(parts: Series[Sequence], found: Series[Link], keep: Series[Tensor]) -> Sequence:
    """Return the sequences of one cell, from those of its calls, aligned at their ends.

    `found`: how the rows of each call follow the call before; `keep`: the rows whose steps in a call count, bool (B,).
    A sequence without any step is left out.
    """
    numbers, count = _numbers(found)
    lengths = [_lengths(part) * kept for part, kept in zip(parts, keep, strict=True)]  # (B,) each
    device = parts[0].inputs.device
    totals = torch.zeros(count, dtype=torch.long, device=device)
    for rows, length in zip(numbers, lengths, strict=True):
        totals.index_add_(0, rows, length)
    steps = int(totals.max()) if count else 0
    inputs = parts[0].inputs.new_zeros(steps, count, parts[0].inputs.shape[2])  # (T, sequences, I)
    state = parts[0].state.new_zeros(count, parts[0].state.shape[1])  # (sequences, S)
    places = steps - totals  # of the next step of each sequence
    for part, link, rows, length in zip(parts, found, numbers, lengths, strict=True):
        step = torch.arange(len(part.inputs), device=device)[:, None] - (len(part.inputs) - length)  # (T, B)
        active = step >= 0
        inputs[(places[rows] + step)[active], rows.expand_as(step)[active]] = part.inputs[active]
        places.index_add_(0, rows, length)
        state[rows[~link.linked]] = part.state[~link.linked]
    nonempty = totals > 0
    inputs, state, totals = inputs[:, nonempty], state[nonempty], totals[nonempty]
    return Sequence(inputs, state, None if bool((totals == steps).all()) else totals)


def _numbers(found: Series[Link]) -> tuple[list[Tensor], int]:
    """Return the number of the sequence to which each row of each call belongs, (B,) each, and how many there are."""
    numbers: list[Tensor] = []
    count = 0
    for link in found:
        starts = ~link.linked
        rows = starts.cumsum(0) - 1 + count
        if numbers:
            both = min(len(rows), len(numbers[-1]))  # rows beyond are not linked
            rows[:both] = torch.where(starts[:both], rows[:both], numbers[-1][:both])
        count += int(starts.count_nonzero())
        numbers.append(rows)
    return numbers, count


def _lengths(sequence: Sequence) -> Tensor:
    steps, batch, _ = sequence.inputs.shape
    full = torch.full((batch,), steps, device=sequence.inputs.device)
    return full if sequence.lengths is None else sequence.lengths
