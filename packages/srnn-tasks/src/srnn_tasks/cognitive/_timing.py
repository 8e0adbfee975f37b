"""Durations of the periods of a trial (arXiv 2207.03523 and its code)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt, model_validator

from ..contract import Value

Milliseconds = Annotated[int, Field(ge=0)]


class Timing(Value):
    """Durations in milliseconds; a duration is floored to whole steps of `dt`.

    fixation, decision_fixation, match_fixation: time before the stimulus in Go and reaction tasks, in decision tasks
    (uniform between the two values), and in match tasks. stimulus: of each stimulus. delay: of DlyGo, DlyAnti, the
    DlyDM and the match tasks if it is fixed. legacy_delay: the range of delays drawn by `Conventions.match_delay`.
    decision, choice_decision, match_decision: of Go and reaction tasks, of decision tasks, of match tasks.
    sequence_decision: of every sequence task except the reaction tasks, which have `reaction_sequence_decision`.
    unit: time in which a sequence moves by one direction of the ring, and delay that displaces the answer of an
    interval task by one direction. longest_interval: the longest delay of interval tasks, whose delays are the
    multiples of `unit` from 0 to it, equally likely.
    """

    fixation: Milliseconds = 500
    decision_fixation: tuple[Milliseconds, Milliseconds] = (200, 500)
    match_fixation: Milliseconds = 300
    stimulus: Milliseconds = 500
    delay: Milliseconds = 500
    legacy_delay: tuple[Milliseconds, Milliseconds] = (200, 1200)
    decision: PositiveInt = 500
    choice_decision: PositiveInt = 200
    match_decision: PositiveInt = 900
    sequence_decision: PositiveInt = 1000
    reaction_sequence_decision: PositiveInt = 500
    unit: PositiveInt = 100
    longest_interval: Milliseconds = 1100

    @model_validator(mode="after")
    def _ranges(self) -> Timing:
        for name in ("decision_fixation", "legacy_delay"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name}: expected the lower end first; got {(low, high)} ms")
        return self
