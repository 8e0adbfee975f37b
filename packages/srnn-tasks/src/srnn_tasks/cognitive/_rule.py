"""A task by its parts: one of the 20 of Yang et al. 2019, optionally with an interval, a sequence, or both."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from ..contract import TaskError
from ._aliases import LIKE, environment, same_task
from ._conventions import Choices
from ._decision import DelayedDecision
from ._families import YANG
from ._family import Family, Span
from ._go import Reaction
from ._timing import Timing

SIGNS = {"r": 1, "l": -1}


@dataclass(frozen=True)
class Rule:
    """A task: the answer of `base`, displaced by `interval` times the delay, moving by `sequence` per unit of time.

    interval and sequence are 0 (none), 1 ("R") or -1 ("L"). An interval requires a base with a delay.

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
            raise TaskError(f"base: expected one of {', '.join(YANG)}; got {self.base!r}")
        for name in ("interval", "sequence"):
            if getattr(self, name) not in (-1, 0, 1):
                raise TaskError(f"{name}: expected -1, 0 or 1; got {getattr(self, name)!r}")
        if self.interval and not self.family.delayed:
            raise TaskError(f"interval: expected a base with a delay, {', '.join(DELAYED)}; got {self.base!r}")

    @property
    def family(self) -> Family:
        """The family, with the parameters of this task."""
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
        """The parts of the name, in its order."""
        return tuple(self.name.split("-"))

    def periods(self, timing: Timing, conventions: Choices) -> tuple[Span, ...]:
        """Return the spans of fixation, stimulus, delay, second stimulus and decision, in milliseconds."""
        fixation, stimulus, delay, second, decision = self.family.periods(timing, conventions)
        if self.interval and isinstance(self.family, DelayedDecision) and conventions.decision_interval == "fixed":
            delay = (timing.delay, timing.delay)
        elif self.interval:
            delay = (0, timing.longest_interval + timing.unit)  # drawn in whole units, all equally likely
        if self.sequence:
            reaction = isinstance(self.family, Reaction)
            decision = (timing.reaction_sequence_decision if reaction else timing.sequence_decision,) * 2
        return fixation, stimulus, delay, second, decision

    @classmethod
    def parse(cls, name: str) -> Rule:
        """Return the task of that name, or of the id of its environment, such as "yang19.dm1-v0" in neurogym.

        Raises a TaskError with a near match if there is none.
        """
        if same_task(name) in RULES:
            return RULES[same_task(name)]
        raise TaskError(
            f"task {name!r}: {suggestion(name)}a name is one of {', '.join(YANG)}, "
            "then -intr or -intl if it has a delay, then -seqr or -seql"
        )


def suggestion(name: str) -> str:
    """Return what may be meant by a name that no task has, as the beginning of a sentence, or ""."""
    other = environment(name)
    near = _nearest(same_task(name)) if other is None else LIKE.get(other)
    hint = f"did you mean {near!r}? " if near else ""
    if other is not None:
        hint += f"neurogym's own is the task Neurogym(environment='{other}-v0'); here "
    return hint


def _nearest(name: str) -> str | None:
    """Return a likely correction: of another spelling, of a name of Yang et al. 2019, or of a typing error."""
    plain = re.sub("[^a-z0-9]", "", name.lower())
    base, *parts = re.fullmatch("(.*?)(int[rl])?(seq[rl])?", plain).groups()  # type: ignore[union-attr]
    base = ORIGINAL.get(base, base)
    if base in YANG:
        corrected = "-".join([base, *filter(None, parts)])
        return corrected if corrected in RULES else None  # None for an interval without a delay
    return next(iter(difflib.get_close_matches(name, RULES, n=1)), None)


NAMES_OF_2019 = (  # the names in Yang et al. 2019, in the same order
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
