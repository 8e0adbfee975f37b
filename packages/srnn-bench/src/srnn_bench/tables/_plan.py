"""Plans: what is fixed before the runs of a table, so that the results cannot influence how they are judged."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .._errors import BenchError


@dataclass(frozen=True)
class Plan:
    """What was fixed before the runs of a table at one scale.

    A plan with `seeds` belongs in the source of the table and must be committed before the first of its runs. A plan
    without seeds, the default, fixes none: verdicts are then given over the seeds of the table and marked exploratory.

    Attributes:
        seeds: The seeds that are judged; those of the table.
        looks: Seeds of each earlier look at results of this table. They are shown but not judged: a further look has
            seeds of its own. Testing again after each added seed gives far more than 5 % of false verdicts.
        margin: Smallest difference of two means that matters, in the unit of the table; with `log`, the ratio of two
            means, above 1. Means that are closer are equivalent. None: no equivalence is tested.
        failure_threshold: A run whose value is as bad as this or worse has failed to learn, as has a run that diverged.
            Claims are judged among the runs that learned. None: only diverged runs count as failed.
        paired: Whether values are combined within each seed before they are compared (seeds as blocks). This gains
            power if the cells of a table rise and fall together from seed to seed; if they do not, it costs a little,
            since the spread of the differences is less certain than that of the cells.
        log: Whether logarithms of the values are compared, i.e. geometric means: for errors with a skewed spread.
        note: Why these seeds, margins and thresholds were chosen, in one or two sentences.

    Raises:
        BenchError: If seeds are repeated or were looked at before, there are `looks` without `seeds`, or a margin is
            not above 0 (with `log`, above 1).
    """

    seeds: tuple[int, ...] = ()
    looks: tuple[tuple[int, ...], ...] = ()
    margin: float | None = None
    failure_threshold: float | None = None
    paired: bool = False
    log: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        every = [seed for look in (*self.looks, self.seeds) for seed in look]
        repeated = sorted({seed for seed in every if every.count(seed) > 1})
        if repeated:
            raise BenchError(
                f"plan: expected fresh seeds for each look, got {', '.join(map(str, repeated))} more than once"
            )
        if self.looks and not self.seeds:
            raise BenchError("plan: expected the seeds of the next look beside those of earlier looks, got none")
        least = 1.0 if self.log else 0.0
        if self.margin is not None and not least < self.margin < math.inf:
            raise BenchError(f"plan: expected a margin above {least:g}, got {self.margin}")
        if self.failure_threshold is not None and not math.isfinite(self.failure_threshold):
            raise BenchError(f"plan: expected a finite failure_threshold, got {self.failure_threshold}")

    @property
    def exploratory(self) -> bool:
        """Whether no seeds were fixed before the runs."""
        return not self.seeds
