"""A claim about groups of columns with its test, and the sentences that explain its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ._claim import LEVEL, Verdict
from ._column_claim import AcrossColumns
from ._contrast_test import p_text
from ._judgement import Judgement
from ._statistics import TTest, t_test, two_sided
from ._summary import Summary


@dataclass(frozen=True)
class ColumnCase:
    """A claim about groups of columns, and the table with its results."""

    claim: AcrossColumns
    summary: Summary

    @cached_property
    def obstacle(self) -> str | None:
        """Why the claim cannot be tested, None if it can."""
        if self.summary.table.scale == "smoke":
            return "runs at scale smoke only test the code; their numbers mean nothing"
        if self.missing:
            return f"{self.missing} of the runs that the claim uses have no value"
        if self.test is None:
            return "the groups of columns have no spread"
        return None

    @property
    def missing(self) -> int:
        """Number of runs without a value: they are missing, ended with an error, or diverged."""
        judged = self.summary.judged
        return sum(len(judged[place].results) - judged[place].n for place in self.claim.places)

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """The value of each group of columns, `(G,)`."""
        judged, claim = self.summary.judged, self.claim

        def mean(row: str, group: tuple[str, ...]) -> float:
            return float(np.mean([judged[row, column].mean or 0.0 for column in group]))

        ours = [mean(claim.row, group) for group in claim.groups]
        theirs = [0.0 if claim.over is None else mean(claim.over, group) for group in claim.groups]
        return np.subtract(ours, theirs)

    @cached_property
    def test(self) -> TTest | None:
        """The t test of the values against the bound; None if they have no spread."""
        return t_test([self.values.tolist()], [1.0], self.claim.bound)

    @property
    def sides(self) -> tuple[float, float]:
        """One-sided p values for and against the claim."""
        assert self.test is not None
        below, above = self.test.p_below, self.test.p_above
        return (below, above) if self.summary.table.better == "lower" else (above, below)

    @property
    def p(self) -> float | None:
        """Two-sided p value of the claim; None if it cannot be tested."""
        return None if self.obstacle else two_sided(*self.sides)

    @property
    def p_equivalent(self) -> None:
        """Claims about groups of columns have no equivalence test."""
        return

    def judgement(self, p_holm: float, p_equivalent_holm: float) -> Judgement:
        """Return the judgement with the p value corrected over the family."""
        decided, test, readings = not self.obstacle, self.test, self.summary.readings
        verdict: Verdict = "undecided"
        if decided and p_holm < LEVEL:
            verdict = "supported" if self.sides[0] < self.sides[1] else "contradicted"
        judged = {place: self.summary.judged[place] for place in self.claim.places}
        return Judgement(
            claim=self.claim,
            verdict=verdict,
            reason=(self.obstacle or self._reason(p_holm)) + self.summary.stale_text(self.claim.places),
            exploratory=self.summary.table.plan.exploratory,
            family=self.summary.family_size,
            readings=(sum(readings.values()), max(1, len(readings))),
            n={place: cell.n for place, cell in judged.items()},
            failures={place: cell.diverged for place, cell in judged.items()},
            fisher={},
            missing=self.missing,
            estimate=test.estimate if decided and test else None,
            interval=test.interval if decided and test else None,
            p=self.p,
            p_holm=p_holm if decided else None,
        )

    def _reason(self, p_holm: float) -> str:
        """Return the mean over groups, its interval, and on which side of the bound it lies."""
        assert self.test is not None
        claim, unit = self.claim, self.summary.table.unit
        what = claim.row if claim.over is None else f"{claim.row} − {claim.over}"
        low, high = self.test.interval
        number = (
            f"{what} is {self.test.estimate:+.3g} {unit} (95 % {low:+.3g} to {high:+.3g}), the mean of "
            f"{len(claim.groups)} groups of columns"
        )
        if p_holm >= LEVEL:
            return f"{number}, not significantly above or below {claim.bound:g} {unit} (Holm p {p_text(p_holm)})"
        side = "above" if self.test.estimate > claim.bound else "below"
        return f"{number}, {side} {claim.bound:g} {unit} (Holm p {p_text(p_holm)})"
