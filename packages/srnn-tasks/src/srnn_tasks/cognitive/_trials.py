"""What a trial is before it is shown: a row of numbers, the same for every family. n trials are n-long tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

PERIODS = ("fixation", "stimulus", "delay", "second stimulus", "decision", "padding")  # by their number
FIXATION, STIMULUS, DELAY, SECOND, DECISION, PADDING = range(6)


@dataclass(frozen=True)
class Scene:
    """What a family draws of trials: n-long tensors. The fields are those of `Trials`."""

    directions: Tensor
    strengths: Tensor
    shown: Tensor
    noisy: Tensor
    base: Tensor
    respond: Tensor

    def where(self, chosen: Tensor, other: Scene) -> Scene:
        """Return this scene where `chosen` `(n,)` is true, and the other elsewhere."""
        return Scene(**{name: _where(chosen, mine, getattr(other, name)) for name, mine in vars(self).items()})


@dataclass(frozen=True)
class Trials(Scene):
    """Trials of any shape `(...)`, one entry each; two bumps of activity at most, on two rings.

    slot: number of the task in the battery. ring: 0 or 1, where the trial is shown, in families that choose one.
    lengths `(..., 5)`: steps of the periods before padding. directions `(..., 2)`: of the bumps, 0 to R - 1;
    shift `(...)`: what is added to the first bump's place, in directions (legacy interval tasks show it off the grid).
    strengths `(..., 2, 2)`: of bump on ring; shown `(..., 2)`: the period of each bump.
    noisy `(..., 3)`: whether fixation channel, first and second ring carry noise while there is a stimulus.
    base: the direction of the answer without interval and sequence. respond: whether there is one.
    displaced: directions by which the delay moves it. drift: directions a unit of time by which it moves on.
    """

    slot: Tensor
    ring: Tensor
    lengths: Tensor
    shift: Tensor
    displaced: Tensor
    drift: Tensor

    def map(self, change: Callable[[Tensor], Tensor]) -> Trials:
        """Return these trials with every tensor changed."""
        return Trials(**{name: change(tensor) for name, tensor in vars(self).items()})

    def then(self, other: Trials) -> Trials:
        """Return these trials `(B, K, ...)` and behind them the others, along K."""
        names = [field.name for field in fields(self)]
        return Trials(**{name: torch.cat([getattr(self, name), getattr(other, name)], 1) for name in names})


def _where(chosen: Tensor, mine: Tensor, other: Tensor) -> Tensor:
    return torch.where(chosen.reshape(*chosen.shape, *[1] * (mine.dim() - chosen.dim())), mine, other)
