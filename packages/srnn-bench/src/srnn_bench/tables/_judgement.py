"""A judgement: the verdict on a claim and the numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass

from ._cell import Place
from ._claim import BaseClaim, Contrast, Verdict
from ._study_claim import StudyTest

EXPLORATORY = " (exploratory)"  # how the label of a verdict ends if no plan fixed the seeds


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim and the numbers behind it: one attribute per column of the ledger.

    The numbers from `estimate` to `rank_effect` belong to the `deciding` contrast: that with the weakest support, or of
    an equivalence that with the weakest evidence. `estimate`, `interval`, `bootstrap`, `margin` and `detectable` are in
    the unit of the table, of its logarithms if the plan compares these. What cannot be computed is None.

    For a claim about a study, `deciding` is a test, and `estimate`, `interval` and `detectable` are of its `measure`,
    such as a rank correlation; `n` and `failures` are the stable and unstable draws of each group.
    """

    claim: BaseClaim
    verdict: Verdict
    reason: str  # explains the verdict in one sentence
    exploratory: bool  # whether no plan fixed the seeds before the runs
    family: int  # number of claims that are corrected together
    readings: tuple[int, int]  # readings of the published table that have results, and all readings
    n: dict[Place, int]  # number of runs of each cell used that learned
    failures: dict[Place, int]  # number of runs of each cell used that failed to learn, diverged ones included
    fisher: dict[Contrast, float]  # p of Fisher's exact test of the failures, for contrasts of two cells with failures
    missing: int  # runs of the cells used that ended with an error or have no result
    deciding: Contrast | StudyTest | None = None
    measure: str | None = None  # of a claim about a study: what `estimate` is; None if it is a sum of means
    estimate: float | None = None  # sum of weight times mean
    interval: tuple[float, float] | None = None  # 95 %, of the t test
    bootstrap: tuple[float, float] | None = None  # 95 %, BCa; only with at least 10 values in every cell
    effect: float | None = None  # Hedges' g, positive in favour of the claim
    p: float | None = None  # of the claim, two-sided, uncorrected
    p_holm: float | None = None  # corrected over the claims of the family
    margin: float | None = None  # of the equivalence test
    p_equivalent: float | None = None  # of the equivalence, uncorrected
    p_equivalent_holm: float | None = None  # corrected over the claims of the family
    detectable: float | None = None  # of an undecided claim: distance of its contrasts that is detected with 80 % power
    rank_p: float | None = None  # Mann-Whitney, two-sided, over all runs; two cells only
    rank_effect: float | None = None  # P(better) + P(tie) / 2, above 0.5 in favour of the claim

    @property
    def label(self) -> str:
        """The verdict, with "exploratory" if it is one and no plan fixed the seeds."""
        return f"{self.verdict}{EXPLORATORY}" if self.exploratory and self.verdict != "undecided" else self.verdict
