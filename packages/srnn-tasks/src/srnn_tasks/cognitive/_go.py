"""Go and reaction tasks: one bump, answered by its direction or the opposite one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ._conventions import Choices
from ._family import Family, Span, spans
from ._timing import Timing
from ._trials import DECISION, STIMULUS, Scene
from ._world import World


@dataclass(frozen=True)
class Go(Family):
    """A bump, optionally a delay, then an answer towards it or, with `anti`, away from it."""

    anti: bool
    delay: bool

    @property
    def delayed(self) -> bool:
        """Whether the task has a delay."""
        return self.delay

    def periods(self, timing: Timing, conventions: Choices) -> tuple[Span, ...]:
        """Return the spans of fixation, stimulus, delay, second stimulus and decision."""
        waits = self.delay or conventions.go_delay == "always"
        return spans(timing.fixation, timing.stimulus, timing.delay if waits else 0, 0, timing.decision)

    @classmethod
    def draw(cls, ring: Tensor, parameters: Mapping[str, Tensor], world: World, g: torch.Generator) -> Scene:
        """Draw trials; see `Family.draw`."""
        return _one_bump(ring, parameters, world, g, STIMULUS)


@dataclass(frozen=True)
class Reaction(Family):
    """A bump that appears when the decision period starts."""

    anti: bool

    def periods(self, timing: Timing, conventions: Choices) -> tuple[Span, ...]:
        """Return the spans of fixation, stimulus, delay, second stimulus and decision."""
        return spans(timing.fixation, 0, 0, 0, timing.decision)

    @classmethod
    def draw(cls, ring: Tensor, parameters: Mapping[str, Tensor], world: World, g: torch.Generator) -> Scene:
        """Draw trials; see `Family.draw`."""
        return _one_bump(ring, parameters, world, g, DECISION)


def _one_bump(ring: Tensor, parameters: Mapping[str, Tensor], world: World, g: torch.Generator, shown: int) -> Scene:
    """Draw trials with one bump of strength 1 on their ring, shown in the period `shown`, without noise."""
    n = len(ring)
    direction = world.integers(n, world.ring, generator=g)
    here = torch.stack([ring == 0, ring == 1], 1).float()  # (n, 2)
    return Scene(
        directions=torch.stack([direction, torch.zeros_like(direction)], 1),
        strengths=torch.stack([here, torch.zeros_like(here)], 1),
        shown=world.table((shown, shown)).expand(n, 2),
        noisy=torch.zeros(n, 3, dtype=torch.bool, device=world.device),
        base=(direction + parameters["anti"] * (world.ring // 2)) % world.ring,
        respond=torch.ones(n, dtype=torch.bool, device=world.device),
    )
