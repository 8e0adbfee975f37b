"""The order of tasks and of rings in a row of trials."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def drawn(rows: int, trials: int, chances: Tensor, *, generator: torch.Generator) -> Tensor:
    """Draw slots `(rows, trials)` independently, with relative frequencies `chances` `(slots,)`."""
    return torch.multinomial(chances, rows * trials, replacement=True, generator=generator).reshape(rows, trials)


def never_twice(
    rows: int, trials: int, known: Tensor, *, after: Tensor | None = None, generator: torch.Generator
) -> Tensor:
    """Draw slots `(rows, trials)`, never the same slot twice in a row, as neurogym's `RandomSchedule` does.

    All other slots are equally likely. With one trial per row, each row follows the row before it.

    known `(n,)`: the slots that occur, in ascending order. after `(rows,)`: the slots of the preceding trials.
    """
    shape = (rows, trials) if trials > 1 or after is not None else (1, rows)
    others = max(1, len(known) - 1)
    step = 1 + torch.randint(others, shape, generator=generator, device=known.device)
    if after is None:
        step[:, 0] = torch.randint(len(known), (shape[0],), generator=generator, device=known.device)
    else:
        step[:, 0] += torch.searchsorted(known, after)
    return known[step.cumsum(1) % len(known)].reshape(rows, trials)


def balanced(rows: int, trials: int, known: Tensor, *, generator: torch.Generator) -> Tensor:
    """Draw slots `(rows, trials)` in random order; the counts of any two of `known` `(n,)` differ by at most one."""
    position = torch.randperm(rows * trials, generator=generator, device=known.device)
    return known[position % len(known)].reshape(rows, trials)


def rings_in_turn(slots: Tensor, turn: Tensor) -> Tensor:
    """Return the rings, 0 or 1, of slots `(rows, trials)`: the trials of one task in a row alternate between them.

    turn `(rows, slots)`: the ring of the first trial of each task.
    """
    before = counts(slots, turn.shape[1]).gather(2, slots[..., None])[..., 0] - 1  # (rows, trials)
    return (turn.gather(1, slots) + before) % 2


def counts(slots: Tensor, number: int) -> Tensor:
    """Return how often each of `number` slots has occurred in a row up to each trial, `(rows, trials, number)`."""
    return functional.one_hot(slots, number).cumsum(1)
