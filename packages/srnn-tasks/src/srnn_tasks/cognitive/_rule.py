"""What a task is: one of the 20 of Yang et al. 2019, with an interval or a sequence or both on top."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from ._conventions import Choices
from ._families import YANG, DelayedDecision, Family, Reaction, Span
from ._timing import Timing

SIGNS = {"r": 1, "l": -1}


@dataclass(frozen=True)
class Rule:
    """A task: the answer of `base`, displaced by `interval` times the delay, drifting at `sequence` a unit of time.

    interval and sequence are 0 (none), 1 ("R") or -1 ("L"). An interval needs a base with a delay.

    >>> Rule("dlygo", interval=1, sequence=-1).name
    'dlygo-intr-seql'
    >>> Rule.parse("dms-intl")
    Rule(base='dms', interval=-1, sequence=0)
    """

    base: str
    interval: int = 0
    sequence: int = 0

    def __post_init__(self) -> None:
        if self.base not in YANG:
            raise ValueError(f"base: expected one of {', '.join(YANG)}, got {self.base!r}")
        for name in ("interval", "sequence"):
            if getattr(self, name) not in (-1, 0, 1):
                raise ValueError(f"{name}: expected -1, 0 or 1, got {getattr(self, name)!r}")
        if self.interval and not self.family.delayed:
            raise ValueError(f"interval: {self.base!r} has no delay to estimate; expected one of {', '.join(DELAYED)}")

    @property
    def family(self) -> Family:
        """The family, with what this task asks for in it."""
        return YANG[self.base]

    @property
    def name(self) -> str:
        """The base, then `intr` or `intl`, then `seqr` or `seql`, joined by hyphens."""
        parts = [self.base]
        for prefix, sign in (("int", self.interval), ("seq", self.sequence)):
            parts += [prefix + letter for letter, value in SIGNS.items() if value == sign]
        return "-".join(parts)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the name."""
        return tuple(self.name.split("-"))

    def periods(self, timing: Timing, conventions: Choices) -> tuple[Span, ...]:
        """Return the spans of fixation, stimulus, delay, second stimulus and decision, in milliseconds."""
        fixation, stimulus, delay, second, decision = self.family.periods(timing, conventions)
        if self.interval and isinstance(self.family, DelayedDecision) and conventions.decision_interval == "fixed":
            delay = (timing.delay, timing.delay)
        elif self.interval:
            delay = (0, timing.longest_interval + timing.unit)  # whole units, all equally likely
        if self.sequence:
            reaction = isinstance(self.family, Reaction)
            decision = (timing.reaction_sequence_decision if reaction else timing.sequence_decision,) * 2
        return fixation, stimulus, delay, second, decision

    @classmethod
    def parse(cls, name: str) -> Rule:
        """Return the task of that name; an unknown one is an error with the nearest."""
        if name in RULES:
            return RULES[name]
        near = _nearest(name)
        hint = f"did you mean {near!r}? " if near else ""
        raise ValueError(
            f"task {name!r}: {hint}a name is one of {', '.join(YANG)}, "
            "then -intr or -intl where there is a delay, then -seqr or -seql"
        )


def _nearest(name: str) -> str | None:
    """Return the task that may be meant: in another spelling, by a name of Yang et al., or with a typing error."""
    plain = re.sub("[^a-z0-9]", "", name.lower())
    base, *parts = re.fullmatch("(.*?)(int[rl])?(seq[rl])?", plain).groups()  # type: ignore[union-attr]
    base = ORIGINAL.get(base, base)
    if base in YANG:
        meant = "-".join([base, *filter(None, parts)])
        return meant if meant in RULES else None  # an interval without a delay
    return next(iter(difflib.get_close_matches(name, RULES, n=1)), None)


NAMES_OF_2019 = (  # the names of that paper, whose rules have the same order
    "fdgo reactgo delaygo fdanti reactanti delayanti dm1 dm2 contextdm1 contextdm2 multidm delaydm1 delaydm2 "
    "contextdelaydm1 contextdelaydm2 multidelaydm dmsgo dmsnogo dmcgo dmcnogo"
)
ORIGINAL = dict(zip(NAMES_OF_2019.split(), YANG, strict=True))
DELAYED = tuple(name for name, family in YANG.items() if family.delayed)
PLAIN = tuple(Rule(base) for base in YANG)
INTERVALS = tuple(Rule(base, interval=sign) for base in DELAYED for sign in SIGNS.values())
SEQUENCES = tuple(Rule(base, sequence=sign) for sign in SIGNS.values() for base in YANG)
COMPOSED = tuple(Rule(base, first, second) for base in DELAYED for first in (1, -1) for second in (1, -1))
RULES = {rule.name: rule for rule in (*PLAIN, *INTERVALS, *SEQUENCES, *COMPOSED)}
