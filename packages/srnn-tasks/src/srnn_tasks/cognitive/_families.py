"""The five families of the 20 tasks of Yang et al. 2019, with the timing of Mod-Cog (facts sheet, section 3).

A family is a value that says what a task asks for, and how long its periods are; its classmethod `draw` makes n trials
at once, each by the values of its own task, which come as tensors `(n,)`. Their lengths, and intervals and sequences,
come afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ._conventions import Choices
from ._timing import Timing
from ._trials import DECISION, SECOND, STIMULUS, Scene
from ._world import World

Ring = Literal[0, 1]
Span = tuple[int, int]  # milliseconds: a duration is uniform between the two, then floored to steps
BOTH: tuple[Ring, Ring] = (0, 1)
TOLERANCE = 1e-6  # strengths, and sums of them, that differ by less are equal


@dataclass(frozen=True)
class Family:
    """What the families share. `asks` gives the values that differ between tasks of one family, as numbers."""

    @property
    def delayed(self) -> bool:
        """Whether there is a delay that an interval task could ask for."""
        return False

    def asks(self) -> dict[str, int]:
        """The values of this task, by name."""
        return {name: int(value) for name, value in vars(self).items()}

    def periods(self, timing: Timing, conventions: Choices) -> tuple[Span, ...]:
        """Return the spans of fixation, stimulus, delay, second stimulus and decision."""
        raise NotImplementedError

    @classmethod
    def draw(cls, ring: Tensor, asked: Mapping[str, Tensor], world: World, g: torch.Generator) -> Scene:
        """Draw trials to show on rings `(n,)`; `asked` holds the values of their tasks `(n,)`."""
        raise NotImplementedError


@dataclass(frozen=True)
class Go(Family):
    """A bump, perhaps a delay, then the answer towards it or, `anti`, away from it."""

    anti: bool
    delay: bool

    @property
    def delayed(self) -> bool:
        """Whether there is a delay."""
        return self.delay

    def periods(self, timing: Timing, conventions: Choices) -> tuple[Span, ...]:
        """Return the spans of fixation, stimulus, delay, second stimulus and decision."""
        waits = self.delay or conventions.go_delay == "always"
        return _spans(timing.fixation, timing.stimulus, timing.delay if waits else 0, 0, timing.decision)

    @classmethod
    def draw(cls, ring: Tensor, asked: Mapping[str, Tensor], world: World, g: torch.Generator) -> Scene:
        """Draw trials; see `Family.draw`."""
        return _one_bump(ring, asked, world, g, STIMULUS)


@dataclass(frozen=True)
class Reaction(Family):
    """A bump that comes together with the time to answer."""

    anti: bool

    def periods(self, timing: Timing, conventions: Choices) -> tuple[Span, ...]:
        """Return the spans of fixation, stimulus, delay, second stimulus and decision."""
        return _spans(timing.fixation, 0, 0, 0, timing.decision)

    @classmethod
    def draw(cls, ring: Tensor, asked: Mapping[str, Tensor], world: World, g: torch.Generator) -> Scene:
        """Draw trials; see `Family.draw`."""
        return _one_bump(ring, asked, world, g, DECISION)


@dataclass(frozen=True)
class Decision(Family):
    """Two bumps at once, weak and strong; answer towards the one that is stronger on the `attended` rings."""

    attended: tuple[Ring, ...]
    seen: tuple[Ring, ...]
    second: ClassVar[int] = STIMULUS  # the period of the second bump

    def periods(self, timing: Timing, conventions: Choices) -> tuple[Span, ...]:
        """Return the spans of fixation, stimulus, delay, second stimulus and decision."""
        return _spans(timing.decision_fixation, timing.stimulus, 0, 0, timing.choice_decision)

    def asks(self) -> dict[str, int]:
        """The rings attended and seen, each a number of two bits."""
        return {name: sum(1 << ring for ring in getattr(self, name)) for name in ("attended", "seen")}

    @classmethod
    def pairs(cls, world: World) -> list[tuple[float, float]]:
        """The strengths that first and second bump may have on a ring, all equally likely."""
        signed = [sign * coherence for coherence in world.coherences for sign in (1, -1)]
        return [(0.5 + half / 2, 0.5 - half / 2) for half in signed]

    @classmethod
    def draw(cls, ring: Tensor, asked: Mapping[str, Tensor], world: World, g: torch.Generator) -> Scene:
        """Draw trials; see `Family.draw`."""
        n = len(ring)
        first = world.integers(n, world.ring, generator=g)
        second = (first + 1 + world.integers(n, world.ring - 1, generator=g)) % world.ring  # another
        bit = torch.arange(2, device=world.device)
        attended, seen = ((asked[name][:, None] >> bit & 1).float() for name in ("attended", "seen"))  # (n, 2)
        strengths = _strengths(cls.pairs(world), attended.all(1), world, g)  # (n, 2, 2)
        bump = strengths.mul(attended[:, None]).sum(2)  # (n, 2) what counts
        lead = (bump[:, 0] - bump[:, 1]).div(TOLERANCE).round()  # exact ties, whatever the rounding of a sum
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
        """Yes: there is a delay between the bumps."""
        return True

    def periods(self, timing: Timing, conventions: Choices) -> tuple[Span, ...]:
        """Return the spans of fixation, stimulus, delay, second stimulus and decision."""
        fixation, stimulus = timing.decision_fixation, timing.stimulus
        return _spans(fixation, stimulus, timing.delay, stimulus, timing.choice_decision)

    @classmethod
    def pairs(cls, world: World) -> list[tuple[float, float]]:
        """The strengths that first and second bump may have on a ring, all equally likely: two that differ."""
        return [(a, b) for a, b in product(world.strengths, repeat=2) if a != b]


@dataclass(frozen=True)
class Match(Family):
    """A sample, a delay, a test; answer towards the test if they match (`on_match`) or if they do not.

    They match if they are the same direction, or of the same half of the ring (`category`).
    """

    category: bool
    on_match: bool

    @property
    def delayed(self) -> bool:
        """Yes: there is a delay between sample and test."""
        return True

    def periods(self, timing: Timing, conventions: Choices) -> tuple[Span, ...]:
        """Return the spans of fixation, stimulus, delay, second stimulus and decision."""
        delay = timing.delay if conventions.match_delay == "fixed" else timing.legacy_delay
        return _spans(timing.match_fixation, timing.stimulus, delay, timing.stimulus, timing.match_decision)

    @classmethod
    def draw(cls, ring: Tensor, asked: Mapping[str, Tensor], world: World, g: torch.Generator) -> Scene:
        """Draw trials; see `Family.draw`."""
        n, half = len(ring), world.ring // 2
        match, sample = world.coin(n, generator=g), world.integers(n, world.ring, generator=g)
        upper = sample > half if world.conventions.sample_category == "above" else sample >= half
        in_category = (upper == match) * half + world.integers(n, half, generator=g)
        same_or_opposite = (sample + ~match * half) % world.ring
        test = torch.where(asked["category"].bool(), in_category, same_or_opposite)
        here = torch.stack([ring == 0, ring == 1], 1)  # (n, 2)
        return Scene(
            directions=torch.stack([sample, test], 1),
            strengths=here[:, None].expand(n, 2, 2).float(),
            shown=world.table((STIMULUS, SECOND)).expand(n, 2),
            noisy=torch.nn.functional.pad(here, (1, 0)),
            base=test,
            respond=match == asked["on_match"].bool(),
        )


YANG: dict[str, Family] = {
    "go": Go(anti=False, delay=False),
    "rtgo": Reaction(anti=False),
    "dlygo": Go(anti=False, delay=True),
    "anti": Go(anti=True, delay=False),
    "rtanti": Reaction(anti=True),
    "dlyanti": Go(anti=True, delay=True),
    "dm1": Decision(attended=(0,), seen=(0,)),
    "dm2": Decision(attended=(1,), seen=(1,)),
    "ctxdm1": Decision(attended=(0,), seen=BOTH),
    "ctxdm2": Decision(attended=(1,), seen=BOTH),
    "multidm": Decision(attended=BOTH, seen=BOTH),
    "dlydm1": DelayedDecision(attended=(0,), seen=(0,)),
    "dlydm2": DelayedDecision(attended=(1,), seen=(1,)),
    "ctxdlydm1": DelayedDecision(attended=(0,), seen=BOTH),
    "ctxdlydm2": DelayedDecision(attended=(1,), seen=BOTH),
    "multidlydm": DelayedDecision(attended=BOTH, seen=BOTH),
    "dms": Match(category=False, on_match=True),
    "dnms": Match(category=False, on_match=False),
    "dmc": Match(category=True, on_match=True),
    "dnmc": Match(category=True, on_match=False),
}
FAMILIES: tuple[type[Family], ...] = (Go, Reaction, Decision, DelayedDecision, Match)


def _spans(*durations: int | Span) -> tuple[Span, ...]:
    """Return durations in milliseconds as spans."""
    return tuple((each, each) if isinstance(each, int) else each for each in durations)


def _one_bump(ring: Tensor, asked: Mapping[str, Tensor], world: World, g: torch.Generator, shown: int) -> Scene:
    """Draw trials with one bump of strength 1 on their ring in the period `shown`, and no noise."""
    n = len(ring)
    direction = world.integers(n, world.ring, generator=g)
    here = torch.stack([ring == 0, ring == 1], 1).float()  # (n, 2)
    return Scene(
        directions=torch.stack([direction, torch.zeros_like(direction)], 1),
        strengths=torch.stack([here, torch.zeros_like(here)], 1),
        shown=world.table((shown, shown)).expand(n, 2),
        noisy=torch.zeros(n, 3, dtype=torch.bool, device=world.device),
        base=(direction + asked["anti"] * (world.ring // 2)) % world.ring,
        respond=torch.ones(n, dtype=torch.bool, device=world.device),
    )


def _strengths(pairs: list[tuple[float, float]], both: Tensor, world: World, g: torch.Generator) -> Tensor:
    """Draw the strengths `(n, 2, 2)` of bump on ring, independent for each ring.

    Where `both` rings count, pairs with equal sums are not drawn, unless a convention leaves them to a coin.
    """
    options = list(product(pairs, repeat=2))  # of both rings
    tied = [abs(one[0] + two[0] - one[1] - two[1]) < TOLERANCE for one, two in options]
    table = world.table(tuple(((one[0], two[0]), (one[1], two[1])) for one, two in options))  # (P, 2, 2)
    clear = world.table(tuple(number for number, tie in enumerate(tied) if not tie))
    n = len(both)
    anyhow = world.integers(n, len(options), generator=g)
    if world.conventions.ties == "coin":
        return table[anyhow]
    return table[torch.where(both, clear[world.integers(n, len(clear), generator=g)], anyhow)]
