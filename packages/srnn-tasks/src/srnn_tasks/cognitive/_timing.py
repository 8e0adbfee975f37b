"""How long the periods of a trial are (facts sheet of arXiv 2207.03523, sections 3 to 5)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt, model_validator

from ..contract import Value

Milliseconds = Annotated[int, Field(ge=0)]


class Timing(Value):
    """Durations in milliseconds; a duration is floored to whole steps of `dt`.

    fixation, decision_fixation, match_fixation: before the stimulus, in Go and reaction tasks, in decision tasks
    (uniform between the two), in match tasks. stimulus: each one. delay: of DlyGo, DlyAnti, the DlyDM and the match
    tasks where it is fixed. legacy_delay: the range from which `Conventions.match_delay` draws.
    decision, choice_decision, match_decision: of Go and reaction tasks, of decision tasks, of match tasks.
    sequence_decision: of every sequence task but the reaction tasks, which have `reaction_sequence_decision`.
    unit: time in which a sequence moves on by one direction of the ring, and delay that displaces an interval task
    by one. longest_interval: of interval tasks; their delays are the multiples of `unit` from 0 to it, equally likely.
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
                raise ValueError(f"{name}: expected the lower end first, got {(low, high)} ms")
        return self
