"""A claim about a study with its tests, its numbers, and the sentences that explain its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ._claim import LEVEL, Verdict
from ._contrast_test import p_text
from ._judgement import Judgement
from ._statistics import combine, two_sided
from ._study import Study
from ._study_claim import StudyClaim
from ._study_losses import StudyLosses, study_losses
from ._study_tests import Outcome, outcome
from ._summary import Summary


@dataclass(frozen=True)
class StudyCase:
    """A claim about the draws of a study; `losses` are those of the study."""

    claim: StudyClaim
    summary: Summary
    losses: StudyLosses

    @cached_property
    def outcomes(self) -> tuple[Outcome | str, ...]:
        """What each test found, or why it cannot be made."""
        return tuple(outcome(test, self.losses, self._study) for test in self.claim.tests)

    @cached_property
    def obstacle(self) -> str | None:
        """Why the claim cannot be tested, None if it can."""
        if self._study.scale == "smoke":
            return "runs at scale smoke only test the code; their numbers mean nothing"
        if not self.losses.present.any():
            return "no run yet"
        if self.missing:
            total = sum(self.losses.members(group).sum() for group in self.claim.groups)
            return f"{self.missing} of the draws that the claim uses have no result, of {total}"
        return next((found for found in self.outcomes if isinstance(found, str)), None)

    @property
    def missing(self) -> int:
        """Number of draws that the claim uses without a result."""
        return self.losses.missing(self.claim.groups)

    @property
    def found(self) -> list[Outcome]:
        """The outcomes, without an obstacle."""
        return [found for found in self.outcomes if isinstance(found, Outcome)]

    @cached_property
    def sides(self) -> tuple[float, float]:
        """One-sided p values for and against the claim, by the rules of contrasts."""
        return combine([each.p_for for each in self.found], [each.p_against for each in self.found])

    @property
    def p(self) -> float | None:
        """Two-sided p value of the claim; None if it cannot be tested."""
        return None if self.obstacle else two_sided(*self.sides)

    @property
    def p_equivalent(self) -> None:
        """Claims about studies have no equivalence test."""
        return

    @property
    def detectable(self) -> float | None:
        """Distance of the deciding number from its bound that is found with 80 % power."""
        return self._deciding.detectable(LEVEL / 2 / self.summary.family_size)

    def judgement(self, p_holm: float, p_equivalent_holm: float) -> Judgement:
        """Return the judgement with the p value corrected over the family."""
        decided = not self.obstacle
        verdict: Verdict = "undecided"
        if decided and p_holm < LEVEL:
            verdict = "supported" if self.sides[0] < self.sides[1] else "contradicted"
        (column,) = self._study.columns
        groups = {group: self.losses.of(group) for group in self.claim.groups}
        deciding, readings = (self._deciding if decided else None), self.summary.readings
        return Judgement(
            claim=self.claim,
            verdict=verdict,
            reason=(self.obstacle or self._reason(p_holm)) + self.summary.stale_text(self._study.places_of(self.claim)),
            exploratory=self._study.plan.exploratory,
            family=self.summary.family_size,
            readings=(sum(readings.values()), max(1, len(readings))),
            n={(str(group), column): int((~each.unstable).sum()) for group, each in groups.items()},
            failures={(str(group), column): int(each.unstable.sum()) for group, each in groups.items()},
            fisher={},
            missing=self.missing,
            deciding=deciding.test if deciding else self.claim.tests[0],
            measure=(deciding.test if deciding else self.claim.tests[0]).measure,
            estimate=deciding.estimate if deciding else None,
            interval=deciding.interval if deciding else None,
            p=self.p,
            p_holm=p_holm if decided else None,
            detectable=self.detectable if decided and verdict == "undecided" else None,
        )

    @property
    def _study(self) -> Study:
        assert isinstance(self.summary.table, Study)
        return self.summary.table

    @property
    def _deciding(self) -> Outcome:
        """The test with the weakest support."""
        return max(self.found, key=lambda each: (each.p_for, -each.p_against))

    def _reason(self, p_holm: float) -> str:
        """Return on which side of its bound the deciding number lies, and how many draws are unstable."""
        decided, test = self._deciding, self._deciding.test
        weakest = "" if len(self.found) == 1 else f"weakest of {len(self.found)} tests: "
        low, high = decided.interval
        number = f"{test.measure} is {decided.estimate:.3g} (95 % {low:.3g} to {high:.3g}) for {test}"
        claimed = "above" if test.above else "below"
        side = "above" if decided.estimate > test.bound else "below"
        p = f"(Holm p {p_text(p_holm)}"
        if p_holm >= LEVEL:
            uncorrected = f", uncorrected p {p_text(self.p)}" if self.p is not None and self.p < LEVEL else ""
            return f"{weakest}{number}, not significantly above or below {test.bound:g} {p}{uncorrected})"
        agreement = "as claimed" if side == claimed else f"not {claimed} as claimed"
        return f"{weakest}{number}, {side} {test.bound:g}, {agreement} {p})"


def study_case(claim: StudyClaim, summary: Summary) -> StudyCase:
    """Return the case of a claim about a study."""
    return StudyCase(claim, summary, study_losses(summary))
