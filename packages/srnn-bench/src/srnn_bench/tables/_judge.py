"""Verdicts: whether the results of a table support its claims."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from ._cell import Place
from ._claim import LEVEL, Claim, Contrast, Verdict
from ._claim_tests import ClaimTests, claim_tests
from ._contrast_test import ContrastTest, censored_runs, p_text
from ._sample import failure_text, missing_text
from ._statistics import holm
from ._summary import Summary


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim and the numbers behind it: one attribute per column of the ledger.

    The numbers from `estimate` to `rank_effect` belong to the `deciding` contrast: that with the weakest support, or of
    an equivalence that with the weakest evidence. `estimate`, `interval`, `bootstrap`, `margin` and `detectable` are in
    the unit of the table, of its logarithms if the plan compares these. What cannot be computed is None.
    """

    claim: Claim
    verdict: Verdict
    reason: str  # one sentence that explains the verdict
    exploratory: bool  # whether no plan fixed the seeds before the runs
    family: int  # number of claims that are corrected together
    readings: tuple[int, int]  # readings of the published table that have results, and all readings
    n: dict[Place, int]  # number of runs of each cell used that learned
    failures: dict[Place, int]  # number of runs of each cell used that failed to learn, diverged ones included
    fisher: dict[Contrast, float]  # p of Fisher's exact test of the failures, for contrasts of two cells with failures
    missing: int  # runs of the cells used that ended with an error or have no result
    deciding: Contrast | None = None
    estimate: float | None = None  # sum of weight times mean
    interval: tuple[float, float] | None = None  # 95 %, Welch
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
        return f"{self.verdict} (exploratory)" if self.exploratory and self.verdict != "undecided" else self.verdict


def judge(summary: Summary) -> list[Judgement]:
    """Judge every claim of a table by its results, in the order of the table.

    The rules are those of docs/decisions/0012-claims.md. In short: each contrast has one-sided Welch tests. A claim is
    supported if all its contrasts hold (intersection-union test: the largest p counts) and contradicted if one of them
    is reversed (Bonferroni over its contrasts). It is equivalent if all pairs of means that it compares are within the
    margin of the plan (two one-sided tests each). Holm's procedure corrects the two-sided p values over all claims of
    the family, and those of the equivalences separately, each at 5 %; a claim that cannot be tested counts with p = 1.

    Claims are judged among the runs that learned. The verdict is "undecided" if the scale is smoke, a run is missing,
    a cell has fewer than two such runs or no spread, or failures favour the cells that the verdict would favour.
    """
    cases = [_Case(claim, each) for each in (summary, *summary.siblings) for claim in each.table.claims]
    different = holm([1.0 if case.p is None else case.p for case in cases])
    equivalent = holm([1.0 if case.p_equivalent is None else case.p_equivalent for case in cases])
    own = len(summary.table.claims)
    return [
        case.judgement(p_holm, p_equivalent_holm)
        for case, p_holm, p_equivalent_holm in zip(cases[:own], different[:own], equivalent[:own], strict=True)
    ]


@dataclass(frozen=True)
class _Decision:
    verdict: Verdict
    reason: str
    test: ContrastTest  # whose numbers are shown


@dataclass(frozen=True)
class _Case:
    """A claim with its tests."""

    claim: Claim
    summary: Summary

    @cached_property
    def tests(self) -> ClaimTests:
        table = self.summary.table
        return claim_tests(self.claim, self.summary.judged, table.plan, lower=table.better == "lower")

    @cached_property
    def obstacle(self) -> str | None:
        """Why the claim cannot be tested, None if it can."""
        samples = list(self.tests.samples.values())
        if not any(any(sample.cell.results.values()) for sample in samples):
            return "no run yet"
        if self.missing:
            total = self.missing + sum(sample.ended for sample in samples)
            return f"{self.missing} of {total} runs are missing: {missing_text(samples)}"
        for sample in samples:
            if len(sample.values) < 2:
                failed = f", {sample.failures} failed to learn" if sample.failures else ""
                return (
                    f"a t test needs two runs per cell that learned, and {sample} has {len(sample.values)} "
                    f"(of {sample.ended}{failed})"
                )
        for test in self.tests.tests:
            if test.form is None:
                return f"{test.contrast} has no form in logarithms, which the plan compares"
            if test.values is None:
                return f"{test.contrast}: the plan compares logarithms, and a value is not above 0"
            if test.welch is None:
                return f"no t test: the values of {test.contrast} have no spread, are too few or too large"
        return None

    @property
    def missing(self) -> int:
        return sum(len(sample.missing) for sample in self.tests.samples.values())

    @property
    def p(self) -> float | None:
        return None if self.obstacle else self.tests.p

    @property
    def p_equivalent(self) -> float | None:
        return None if self.obstacle else self.tests.p_equivalent

    def judgement(self, p_holm: float, p_equivalent_holm: float) -> Judgement:
        decision = self._decide(p_holm, p_equivalent_holm)
        test, samples = decision.test, self.tests.samples
        welch, readings = test.welch, self.summary.readings
        undecided = decision.verdict == "undecided"
        return Judgement(
            claim=self.claim,
            verdict=decision.verdict,
            reason=decision.reason + self._stale(),
            exploratory=self.summary.table.plan.exploratory,
            family=self.summary.family_size,
            readings=(sum(readings.values()), max(1, len(readings))),
            n={place: len(sample.values) for place, sample in samples.items()},
            failures={place: sample.failures for place, sample in samples.items()},
            fisher={each.contrast: each.fisher for each in self.tests.tests if each.fisher is not None},
            missing=self.missing,
            deciding=test.contrast,
            estimate=welch.estimate if welch else None,
            interval=welch.interval if welch else None,
            bootstrap=test.bootstrap if welch else None,
            effect=test.effect if welch else None,
            p=self.p,
            p_holm=None if self.p is None else p_holm,
            margin=test.margin,
            p_equivalent=self.p_equivalent,
            p_equivalent_holm=None if self.p_equivalent is None else p_equivalent_holm,
            detectable=self.detectable if undecided and not self.obstacle else None,
            rank_p=test.ranks[0] if test.ranks else None,
            rank_effect=test.ranks[1] if test.ranks else None,
        )

    @cached_property
    def detectable(self) -> float | None:
        """Distance that is found with 80 % power at the first step of Holm's procedure over the family."""
        return self.tests.detectable(LEVEL / 2 / self.summary.family_size)

    def _decide(self, p_holm: float, p_equivalent_holm: float) -> _Decision:
        tests, deciding = self.tests, self.tests.deciding
        if self.summary.table.scale == "smoke":
            return _Decision(
                "undecided", "runs at scale smoke only test the code; their numbers mean nothing", deciding
            )
        if self.obstacle:
            return _Decision("undecided", self.obstacle, deciding)
        is_equivalent = p_equivalent_holm < LEVEL and not any(
            sample.failures or sample.cell.censored for sample in tests.samples.values()
        )
        if p_holm < LEVEL:
            supported = tests.sides[0] < tests.sides[1]
            doubts = (test.doubt(supported) for test in (tests.tests if supported else [deciding]))
            doubt = next((doubt for doubt in doubts if doubt), None)
            if doubt:
                return _Decision("undecided", doubt, deciding)
            within = f"; the difference is within the margin of {self._margin(deciding)}" if is_equivalent else ""
            verdict: Verdict = "supported" if supported else "contradicted"
            return _Decision(verdict, self._difference(p_holm) + within + self._runs(), deciding)
        if is_equivalent:
            return _Decision("equivalent", self._equivalence(p_equivalent_holm) + self._runs(), tests.least_equivalent)
        return _Decision("undecided", self._no_difference(p_holm, p_equivalent_holm) + self._runs(), deciding)

    def _difference(self, p_holm: float) -> str:
        """Return on which side of its limit the deciding contrast lies, in one sentence."""
        test = self.tests.deciding
        assert test.welch is not None
        claimed, _ = self._sides()
        side = "below" if test.welch.t < 0 else "above"
        agreement = " as claimed" if side == claimed else f", not {claimed} as claimed"
        return f"{self._sum(test)}, {side} {self._number(test.limit)}{agreement} (Holm p {p_text(p_holm)})"

    def _no_difference(self, p_holm: float, p_equivalent_holm: float) -> str:
        """Return that neither a difference nor an equivalence was found, in one sentence."""
        test = self.tests.deciding
        p = self.tests.p
        uncorrected = f", uncorrected p {p_text(p)}" if p < LEVEL else ""
        text = (
            f"{self._sum(test)}, not significantly {' or '.join(self._sides())} {self._number(test.limit)} "
            f"(Holm p {p_text(p_holm)}{uncorrected})"
        )
        if self.p_equivalent is not None:
            text += f" nor within {self._margin(test)} (Holm p {p_text(p_equivalent_holm)})"
        if self.detectable is not None:
            kind = "ratio" if self.summary.table.plan.log else "difference"
            what = f"a {kind}" if len(self.tests.tests) == 1 else f"a {kind} in all comparisons"
            size = f"{self._number(self.detectable)} {self._unit()}".strip()
            text += f"; {what} of {size} would be detected with 80 % power"
        return text

    def _equivalence(self, p_equivalent_holm: float) -> str:
        """Return that the means compared are within the margin, in one sentence."""
        test = self.tests.least_equivalent
        return f"{self._sum(test)}, within the margin of {self._margin(test)} (Holm p {p_text(p_equivalent_holm)})"

    def _sides(self) -> tuple[str, str]:
        return ("below", "above") if self.tests.tests[0].lower else ("above", "below")

    def _sum(self, test: ContrastTest) -> str:
        """Return a contrast and its estimate."""
        assert test.welch is not None
        learned = "among the runs that learned, " if self._has_failures() or test.plan.failure_threshold else ""
        weakest = "" if len(self.tests.tests) == 1 else f"weakest of {len(self.tests.tests)} comparisons: "
        geometric = "the ratio of geometric means in " if test.plan.log and len(test.samples) == 2 else ""
        estimate = f"{self._number(test.welch.estimate)} {self._unit()}".strip()
        return f"{learned}{weakest}{geometric}{test.contrast} is {estimate}"

    def _number(self, value: float) -> str:
        return f"{math.exp(value) if self.summary.table.plan.log else value:.3g}"

    def _unit(self) -> str:
        return "" if self.summary.table.plan.log else self.summary.table.unit

    def _margin(self, test: ContrastTest) -> str:
        return f"{self._number(test.margin or 0.0)} {self._unit()}".strip()

    def _has_failures(self) -> bool:
        return any(sample.failures for sample in self.tests.samples.values())

    def _runs(self) -> str:
        """Return what became of runs that failed to learn or did not reach a threshold."""
        samples = list(self.tests.samples.values())
        text = ""
        if self._has_failures():
            p_values = ", ".join(
                f"{test.contrast} {p_text(test.fisher)}" for test in self.tests.tests if test.fisher is not None
            )
            fisher = f" (Fisher p: {p_values})" if p_values else ""
            text += f"; failed to learn: {failure_text(sample for sample in samples if sample.ended)}{fisher}"
        if censored := censored_runs(samples):
            count = "counts with all its" if censored.startswith("1 ") else "count with all their"
            text += f"; {censored} and {count} steps"
        return text

    def _stale(self) -> str:
        cells = [sample.cell for sample in self.tests.samples.values()]
        keys = {result.key for cell in cells for result in cell.results.values() if result}
        stale = len(keys & self.summary.stale.keys())
        return f"; other package versions produced {stale} of the runs" if stale else ""
