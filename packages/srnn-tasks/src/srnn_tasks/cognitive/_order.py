"""Which task comes when: in what order tasks and rings follow each other in a row of trials."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def drawn(rows: int, trials: int, chances: Tensor, *, generator: torch.Generator) -> Tensor:
    """Draw slots `(rows, trials)` independently, by their chances `(slots,)`."""
    return torch.multinomial(chances, rows * trials, replacement=True, generator=generator).reshape(rows, trials)


def never_twice(rows: int, trials: int, chances: Tensor, *, generator: torch.Generator) -> Tensor:
    """Draw slots `(rows, trials)`, all others than the last one equally likely, as neurogym's `RandomSchedule` does.

    Slots without a chance do not occur. With one trial a row the rows follow each other.
    """
    known = chances.nonzero()[:, 0]
    shape = (rows, trials) if trials > 1 else (1, rows)
    first = torch.randint(len(known), (shape[0], 1), generator=generator, device=chances.device)
    others = max(1, len(known) - 1)
    step = 1 + torch.randint(others, (shape[0], shape[1] - 1), generator=generator, device=chances.device)
    return known[torch.cat([first, step], 1).cumsum(1) % len(known)].reshape(rows, trials)


def balanced(rows: int, trials: int, chances: Tensor, *, generator: torch.Generator) -> Tensor:
    """Draw slots `(rows, trials)` of which each that has a chance occurs as often as the others, but for one."""
    known = chances.nonzero()[:, 0]
    place = torch.randperm(rows * trials, generator=generator, device=chances.device)
    return known[place % len(known)].reshape(rows, trials)


def rings_in_turn(slots: Tensor, number: int, *, generator: torch.Generator) -> Tensor:
    """Return rings, 0 or 1, for slots `(rows, trials)`: the trials of a task in a row take them in turn.

    `number` is that of all slots. The first ring of each is drawn. With one trial a row the rows follow each other.
    """
    order = slots if slots.shape[1] > 1 else slots.T
    first = torch.randint(2, (order.shape[0], number), generator=generator, device=slots.device)
    before = functional.one_hot(order, number).cumsum(1).gather(2, order[..., None])[..., 0]  # (rows, trials), from 1
    return ((first.gather(1, order) + before) % 2).reshape(slots.shape)
