"""Trials as numbers, before they become inputs and targets: the same fields for every family, one tensor per field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

PERIODS = ("fixation", "stimulus", "delay", "second stimulus", "decision", "padding")  # by number
FIXATION, STIMULUS, DELAY, SECOND, DECISION, PADDING = range(6)


@dataclass(frozen=True)
class Scene:
    """The fields of n trials that a family draws, tensors `(n, ...)`; `Trials` describes them."""

    directions: Tensor
    strengths: Tensor
    shown: Tensor
    noisy: Tensor
    base: Tensor
    respond: Tensor

    def where(self, chosen: Tensor, other: Scene) -> Scene:
        """Return this scene where `chosen` `(n,)` is true, and the other elsewhere."""
        return Scene(**{name: _where(chosen, tensor, getattr(other, name)) for name, tensor in vars(self).items()})


@dataclass(frozen=True)
class Trials(Scene):
    """Trials of any shape `(...)`, one entry per trial, with at most two bumps of activity on two rings.

    The class has one attribute per property of a trial, twelve in all.

    slot: index of the task in the battery. ring: 0 or 1, the ring that shows the trial in families that choose one.
    lengths `(..., 5)`: steps of the periods before padding. directions `(..., 2)`: of the bumps, 0 to R - 1;
    shift `(...)`: added to the position of the first bump, in directions (legacy interval tasks show it off the grid).
    strengths `(..., 2, 2)`: by bump and ring; shown `(..., 2)`: the period of each bump.
    noisy `(..., 3)`: whether the fixation channel, the first and the second ring have noise during a stimulus.
    base: direction of the answer without interval and sequence. respond: whether there is an answer.
    displaced: directions by which the delay displaces the answer. drift: directions per unit of time by which it moves.
    """

    slot: Tensor
    ring: Tensor
    lengths: Tensor
    shift: Tensor
    displaced: Tensor
    drift: Tensor

    def map(self, change: Callable[[Tensor], Tensor]) -> Trials:
        """Return trials with `change` applied to every tensor."""
        return Trials(**{name: change(tensor) for name, tensor in vars(self).items()})

    def append(self, other: Trials) -> Trials:
        """Return these trials `(B, K, ...)` followed by the others, along K."""
        names = [field.name for field in fields(self)]
        return Trials(**{name: torch.cat([getattr(self, name), getattr(other, name)], 1) for name in names})


def _where(chosen: Tensor, tensor: Tensor, other: Tensor) -> Tensor:
    return torch.where(chosen.reshape(*chosen.shape, *[1] * (tensor.dim() - chosen.dim())), tensor, other)
