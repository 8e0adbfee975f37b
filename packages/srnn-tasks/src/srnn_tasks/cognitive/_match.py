"""Match tasks: a sample and a test that match or not, by direction or by category."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ._conventions import Choices
from ._family import Family, Span, spans
from ._timing import Timing
from ._trials import SECOND, STIMULUS, Scene
from ._world import World


@dataclass(frozen=True)
class Match(Family):
    """A sample, a delay, a test; answer towards the test if they match (`on_match`) or if they do not.

    They match if they are the same direction, or in the same half of the ring (`category`).
    """

    category: bool
    on_match: bool

    @property
    def delayed(self) -> bool:
        """True: there is a delay between sample and test."""
        return True

    def periods(self, timing: Timing, conventions: Choices) -> tuple[Span, ...]:
        """Return the spans of fixation, stimulus, delay, second stimulus and decision."""
        delay = timing.delay if conventions.match_delay == "fixed" else timing.legacy_delay
        return spans(timing.match_fixation, timing.stimulus, delay, timing.stimulus, timing.match_decision)

    @classmethod
    def draw(cls, ring: Tensor, parameters: Mapping[str, Tensor], world: World, g: torch.Generator) -> Scene:
        """Draw trials; see `Family.draw`."""
        n, half = len(ring), world.ring // 2
        match, sample = world.coin(n, generator=g), world.integers(n, world.ring, generator=g)
        upper = sample > half if world.conventions.sample_category == "above" else sample >= half
        in_category = (upper == match) * half + world.integers(n, half, generator=g)
        same_or_opposite = (sample + ~match * half) % world.ring
        test = torch.where(parameters["category"].bool(), in_category, same_or_opposite)
        on_ring = torch.stack([ring == 0, ring == 1], 1)  # (n, 2)
        return Scene(
            directions=torch.stack([sample, test], 1),
            strengths=on_ring[:, None].expand(n, 2, 2).float(),
            shown=world.table((STIMULUS, SECOND)).expand(n, 2),
            noisy=torch.nn.functional.pad(on_ring, (1, 0)),
            base=test,
            respond=match == parameters["on_match"].bool(),
        )
