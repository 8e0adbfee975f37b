"""Which task comes when: in what order tasks and rings follow each other in a row of trials."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def drawn(rows: int, trials: int, chances: Tensor, *, generator: torch.Generator) -> Tensor:
    """Draw slots `(rows, trials)` independently, by their chances `(slots,)`."""
    return torch.multinomial(chances, rows * trials, replacement=True, generator=generator).reshape(rows, trials)


def never_twice(
    rows: int, trials: int, known: Tensor, *, after: Tensor | None = None, generator: torch.Generator
) -> Tensor:
    """Draw slots `(rows, trials)`, all others than the last one equally likely, as neurogym's `RandomSchedule` does.

    known `(n,)`: the slots that occur, in order. after `(rows,)`: the slots that came before. With one trial a row the
    rows follow each other.
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
    """Draw slots `(rows, trials)` of which each of `known` `(n,)` occurs as often as the others, but for one."""
    place = torch.randperm(rows * trials, generator=generator, device=known.device)
    return known[place % len(known)].reshape(rows, trials)


def rings_in_turn(slots: Tensor, turn: Tensor) -> Tensor:
    """Return rings, 0 or 1, for slots `(rows, trials)`: the trials of a task in a row take them in turn.

    `turn` `(rows, slots)` is the ring of each task's first one.
    """
    before = counts(slots, turn.shape[1]).gather(2, slots[..., None])[..., 0] - 1  # (rows, trials)
    return (turn.gather(1, slots) + before) % 2


def counts(slots: Tensor, number: int) -> Tensor:
    """Return how often each of all slots has occurred in a row up to each of its trials, `(rows, trials, number)`."""
    return functional.one_hot(slots, number).cumsum(1)
