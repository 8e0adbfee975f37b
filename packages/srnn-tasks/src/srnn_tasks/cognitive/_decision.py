"""Decision tasks: two bumps, of which the stronger one is the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ._conventions import Choices
from ._family import Family, Span, spans
from ._timing import Timing
from ._trials import SECOND, STIMULUS, Scene
from ._world import World

Ring = Literal[0, 1]
TOLERANCE = 1e-6  # strengths, and sums of them, that differ by less count as equal


@dataclass(frozen=True)
class Decision(Family):
    """Two simultaneous bumps; answer towards the one that is stronger on the `attended` rings.

    seen: the rings that show the bumps.
    """

    attended: tuple[Ring, ...]
    seen: tuple[Ring, ...]
    second: ClassVar[int] = STIMULUS  # the period of the second bump

    def periods(self, timing: Timing, conventions: Choices) -> tuple[Span, ...]:
        """Return the spans of fixation, stimulus, delay, second stimulus and decision."""
        return spans(timing.decision_fixation, timing.stimulus, 0, 0, timing.choice_decision)

    def parameters(self) -> dict[str, int]:
        """Return the rings attended and seen, each as a number of two bits."""
        return {name: sum(1 << ring for ring in getattr(self, name)) for name in ("attended", "seen")}

    @classmethod
    def pairs(cls, world: World) -> list[tuple[float, float]]:
        """Return the possible strengths of first and second bump on a ring, all equally likely."""
        signed = [sign * coherence for coherence in world.coherences for sign in (1, -1)]
        return [(0.5 + half / 2, 0.5 - half / 2) for half in signed]

    @classmethod
    def draw(cls, ring: Tensor, parameters: Mapping[str, Tensor], world: World, g: torch.Generator) -> Scene:
        """Draw trials; see `Family.draw`."""
        n = len(ring)
        first = world.integers(n, world.ring, generator=g)
        second = (first + 1 + world.integers(n, world.ring - 1, generator=g)) % world.ring  # a different one
        bit = torch.arange(2, device=world.device)
        attended, seen = ((parameters[name][:, None] >> bit & 1).float() for name in ("attended", "seen"))  # (n, 2)
        strengths = _strengths(cls.pairs(world), attended.all(1), world, g)  # (n, 2, 2)
        bump = strengths.mul(attended[:, None]).sum(2)  # (n, 2) summed over attended rings
        lead = (bump[:, 0] - bump[:, 1]).div(TOLERANCE).round()  # exactly 0 for a tie, despite rounding of the sums
        wins = torch.where(lead == 0, world.coin(n, generator=g), lead > 0)
        return Scene(
            directions=torch.stack([first, second], 1),
            strengths=strengths * seen[:, None],
            shown=world.table((STIMULUS, cls.second)).expand(n, 2),
            noisy=torch.ones(n, 3, dtype=torch.bool, device=world.device),
            base=torch.where(wins, first, second),
            respond=torch.ones(n, dtype=torch.bool, device=world.device),
        )


@dataclass(frozen=True)
class DelayedDecision(Decision):
    """Two bumps with a delay between them; answer towards the one that is stronger on the `attended` rings."""

    second: ClassVar[int] = SECOND

    @property
    def delayed(self) -> bool:
        """True: there is a delay between the bumps."""
        return True

    def periods(self, timing: Timing, conventions: Choices) -> tuple[Span, ...]:
        """Return the spans of fixation, stimulus, delay, second stimulus and decision."""
        fixation, stimulus = timing.decision_fixation, timing.stimulus
        return spans(fixation, stimulus, timing.delay, stimulus, timing.choice_decision)

    @classmethod
    def pairs(cls, world: World) -> list[tuple[float, float]]:
        """Return the possible strengths of first and second bump on a ring, all equally likely: pairs that differ."""
        return [(a, b) for a, b in product(world.strengths, repeat=2) if a != b]


def _strengths(pairs: list[tuple[float, float]], both: Tensor, world: World, g: torch.Generator) -> Tensor:
    """Draw strengths `(n, 2, 2)` by bump and ring, independently for each ring.

    Where `both` `(n,)` rings are attended, pairs with equal sums are redrawn, unless a coin decides them by convention.
    """
    options = list(product(pairs, repeat=2))  # pairs of both rings
    tied = [abs(one[0] + two[0] - one[1] - two[1]) < TOLERANCE for one, two in options]
    table = world.table(tuple(((one[0], two[0]), (one[1], two[1])) for one, two in options))  # (P, 2, 2)
    clear = world.table(tuple(number for number, tie in enumerate(tied) if not tie))
    n = len(both)
    unrestricted = world.integers(n, len(options), generator=g)
    if world.conventions.ties == "coin":
        return table[unrestricted]
    return table[torch.where(both, clear[world.integers(n, len(clear), generator=g)], unrestricted)]
