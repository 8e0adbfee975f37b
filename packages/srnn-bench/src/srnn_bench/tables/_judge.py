"""Verdicts: whether the results of a table support its claims."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ._cell import Place
from ._claim import LEVEL, Claim, Contrast, Verdict
from ._contrast_test import ContrastTest, p_text, run_count
from ._filled import FilledCell
from ._statistics import combine, holm, two_sided
from ._summary import Summary


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim and the numbers behind it: one field per column of the ledger.

    The numbers from `estimate` on belong to the `deciding` contrast, the one with the weakest support; `estimate`, the
    intervals and `detectable` are in the unit of the table. What cannot be computed is None.
    """

    claim: Claim
    verdict: Verdict
    reason: str  # one sentence that explains the verdict
    n: dict[Place, int]  # number of values of each cell used
    deciding: Contrast | None = None
    estimate: float | None = None  # sum of weight times mean
    interval: tuple[float, float] | None = None  # 95 %, Welch
    bootstrap: tuple[float, float] | None = None  # 95 %, BCa; only with at least 10 values in every cell
    effect: float | None = None  # Hedges' g, positive in favour of the claim
    p: float | None = None  # of the claim, two-sided, uncorrected
    p_holm: float | None = None  # corrected over all claims of the table
    detectable: float | None = None  # of an undecided claim: smallest difference detected with 80 % power
    rank_p: float | None = None  # Mann-Whitney, two-sided, a diverged run as the worst value; two cells only
    rank_effect: float | None = None  # P(better) + P(tie) / 2, above 0.5 in favour of the claim
    diverged: int = 0  # runs of the cells used that diverged before they gave a value
    missing: int = 0  # runs of the cells used that failed or have no result


def judge(summary: Summary) -> list[Judgement]:
    """Judge every claim of a table by its results, in the order of the table.

    Each contrast has a one-sided Welch test. A claim is supported if all its contrasts hold (intersection-union test:
    the largest p counts) and contradicted if one of them is reversed (Bonferroni over its contrasts). The two-sided p
    is corrected over all claims of the table by Holm's procedure, at 5 %; a claim that cannot be tested counts there
    with p = 1.

    The verdict is "undecided" if the scale is smoke, a run is missing or failed, a cell has fewer than two values or
    no spread, or a run diverged and the rank test disagrees with the means. Cells of different experiments are treated
    as independent; with shared seeds the test is conservative. Cells that one experiment fills are combined within
    each run. Choose the number of seeds before looking at verdicts.
    """
    cases = [_Case(claim, summary) for claim in summary.table.claims]
    corrected = holm([1.0 if case.p is None else case.p for case in cases])
    return [case.judgement(p_holm) for case, p_holm in zip(cases, corrected, strict=True)]


@dataclass(frozen=True)
class _Case:
    """A claim with the tests of its contrasts."""

    claim: Claim
    summary: Summary

    @cached_property
    def cells(self) -> tuple[FilledCell, ...]:
        return tuple(self.summary.cells[place] for place in self.claim.places)

    @cached_property
    def tests(self) -> list[ContrastTest]:
        lower = self.summary.table.better == "lower"
        cells = self.summary.cells
        return [
            ContrastTest(contrast, tuple(cells[place] for place in contrast.places), lower)
            for contrast in self.claim.contrasts
        ]

    @cached_property
    def deciding(self) -> ContrastTest:
        """The contrast with the weakest support; one without a test is the weakest."""
        return max(self.tests, key=lambda test: (test.welch is None, test.p[0], -test.p[1]))

    @cached_property
    def obstacle(self) -> str | None:
        """Why the claim cannot be tested, None if it can."""
        results = [result for cell in self.cells for result in cell.results.values()]
        if not any(results):
            return "no run yet"
        if self.missing:
            failed = sum(cell.failed for cell in self.cells)
            expected = self.missing + sum(cell.n + cell.diverged for cell in self.cells)
            not_run = self.missing - failed
            return f"{self.missing} of {expected} values are missing ({failed} failed, {not_run} not run)"
        for cell in self.cells:
            if cell.n < 2:
                diverged = f", {cell.diverged} diverged" if cell.diverged else ""
                return (
                    f"a t test needs two values per cell, and {cell.cell.column}, {cell.cell.row} has {cell.n} "
                    f"(of {len(cell.results)}{diverged})"
                )
        for test in self.tests:
            if test.welch is None:
                return f"no t test: the values of {test.contrast} have no spread, are too few or too large"
        return None

    @cached_property
    def missing(self) -> int:
        """Number of seeds, those of the table and any other that was run, with neither a value nor a divergence."""
        seeds = set(self.summary.table.seeds)
        return sum(len(seeds | cell.results.keys()) - cell.n - cell.diverged for cell in self.cells)

    @cached_property
    def sides(self) -> tuple[float, float]:
        """One-sided p values for and against the claim."""
        return combine([test.p[0] for test in self.tests], [test.p[1] for test in self.tests])

    @property
    def p(self) -> float | None:
        return None if self.obstacle else two_sided(*self.sides)

    def judgement(self, p_holm: float) -> Judgement:
        test = self.deciding
        welch = test.welch
        verdict, reason = self._decide(p_holm)
        keys = {result.key for cell in self.cells for result in cell.results.values() if result}
        stale = len(keys & self.summary.stale.keys())
        if stale:
            reason += f"; other package versions produced {stale} of the runs"
        return Judgement(
            claim=self.claim,
            verdict=verdict,
            reason=reason,
            n={place: cell.n for place, cell in zip(self.claim.places, self.cells, strict=True)},
            deciding=test.contrast,
            estimate=welch.estimate if welch else None,
            interval=welch.interval if welch else None,
            bootstrap=test.bootstrap if welch else None,
            effect=test.effect if welch else None,
            p=self.p,
            p_holm=None if self.p is None else p_holm,
            detectable=welch.detectable if welch and verdict == "undecided" else None,
            rank_p=test.ranks[0] if test.ranks else None,
            rank_effect=test.ranks[1] if test.ranks else None,
            diverged=sum(cell.diverged for cell in self.cells),
            missing=self.missing,
        )

    def _decide(self, p_holm: float) -> tuple[Verdict, str]:
        if self.summary.table.scale == "smoke":
            return "undecided", "runs at scale smoke only test the code; their numbers mean nothing"
        if self.obstacle:
            return "undecided", self.obstacle
        supported = self.sides[0] < self.sides[1]
        if p_holm >= LEVEL:
            return "undecided", self._finding(p_holm)
        doubts = [test.doubt(supported) for test in (self.tests if supported else [self.deciding])]
        doubt = next((doubt for doubt in doubts if doubt), None)
        if doubt:
            return "undecided", doubt
        return ("supported" if supported else "contradicted"), self._finding(p_holm)

    def _finding(self, p_holm: float) -> str:
        """Return on which side of its limit the deciding contrast lies, in one sentence."""
        test, unit = self.deciding, self.summary.table.unit
        assert test.welch is not None and self.p is not None
        weakest = "" if len(self.tests) == 1 else f"weakest of {len(self.tests)} comparisons: "
        text = f"{weakest}{test.contrast} is {test.welch.estimate:.3g} {unit}"
        censored = sum(len(cell.censored) for cell in self.cells)
        count = "counts with all its steps" if censored == 1 else "count with all their steps"
        bounds = f"; {run_count(censored)} did not reach the threshold and {count}" if censored else ""
        claimed, other = ("below", "above") if test.lower else ("above", "below")
        if p_holm >= LEVEL:
            uncorrected = f", uncorrected p {p_text(self.p)}" if self.p < LEVEL else ""
            size = test.welch.detectable
            power = "" if size is None else f"; a difference of {size:.3g} {unit} would be detected with 80 % power"
            return (
                f"{text}, not significantly {claimed} or {other} {test.limit:.3g} "
                f"(Holm p {p_text(p_holm)}{uncorrected}){power}{bounds}"
            )
        diverged = sum(cell.diverged for cell in self.cells)
        count = "counts" if diverged == 1 else "count"
        ranked = f"; {run_count(diverged)} diverged and {count} in the ranks only" if diverged else ""
        side = "below" if test.welch.t < 0 else "above"
        agreement = " as claimed" if side == claimed else f", not {claimed} as claimed"
        return f"{text}, {side} {test.limit:.3g}{agreement} (Holm p {p_text(p_holm)}){ranked}{bounds}"
