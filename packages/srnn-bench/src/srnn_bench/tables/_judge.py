"""Claims: the statements of a paper as predicates over the cells of a table, and what our runs say of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from . import _statistics as statistics
from ._claim import Claim, Contrast, Place, Verdict
from ._contrast_test import ContrastTest, count_diverged, p_text
from ._filled import FilledCell
from ._statistics import LEVEL
from ._summary import Summary


@dataclass(frozen=True)
class Judgement:
    """What the runs at hand say of a claim.

    The numbers from `estimate` on belong to the `deciding` contrast, the one with the weakest support; estimate,
    intervals and `detectable` are in the table's unit. What cannot be computed is None.
    """

    claim: Claim
    verdict: Verdict
    reason: str  # one plain sentence: why this verdict
    n: dict[Place, int]  # values of each cell used
    deciding: Contrast | None = None
    estimate: float | None = None  # sum of weight times mean
    interval: tuple[float, float] | None = None  # 95 %, Welch
    bootstrap: tuple[float, float] | None = None  # 95 %, BCa; only from 10 values in every cell
    effect: float | None = None  # Hedges' g, positive in favour of the claim
    p: float | None = None  # of the claim, two-sided, uncorrected
    p_holm: float | None = None  # corrected over all claims of the table
    detectable: float | None = None  # of an undecided claim: the smallest difference found with 80 % power
    rank_p: float | None = None  # Mann-Whitney, two-sided, a diverged run as the worst value; two cells only
    rank_effect: float | None = None  # P(better) + P(tie) / 2, above 0.5 in favour of the claim
    diverged: int = 0  # runs of the cells used that diverged before they gave a value
    missing: int = 0  # runs of the cells used that failed or are not there


def judge(summary: Summary) -> list[Judgement]:
    """Judge every claim of a table on the results at hand, in the table's order.

    Each contrast has a one-sided Welch test. A claim is supported when all its contrasts hold (intersection-union: the
    largest p counts) and contradicted when one of them is reversed (Bonferroni over its contrasts); the two-sided p is
    corrected over all claims of the table after Holm, at 5 %. A claim that cannot be tested counts there with p = 1.

    There is no verdict at scale smoke, while a run of the claim's cells failed or is not there, with fewer than two
    values in a cell, without spread, or where a run diverged and the ranks do not point the same way as the means.
    Cells of other experiments are taken as independent; shared seeds make the test careful, not bold. Cells that one
    experiment fills are combined within each run. The number of seeds is to be chosen before looking at verdicts.
    """
    cases = [_Case(claim, summary) for claim in summary.table.claims]
    corrected = statistics.holm([1.0 if case.p is None else case.p for case in cases])
    return [case.judgement(p_holm) for case, p_holm in zip(cases, corrected, strict=True)]


@dataclass(frozen=True)
class _Case:
    claim: Claim
    summary: Summary

    @cached_property
    def cells(self) -> tuple[FilledCell, ...]:
        return tuple(self.summary.cells[place] for place in self.claim.places)

    @cached_property
    def evidence(self) -> list[ContrastTest]:
        lower = self.summary.table.better == "lower"
        cells = self.summary.cells
        return [
            ContrastTest(contrast, tuple(cells[place] for place in contrast.places), lower)
            for contrast in self.claim.contrasts
        ]

    @cached_property
    def deciding(self) -> ContrastTest:
        """The contrast with the weakest support; one without a test is the weakest."""
        return max(self.evidence, key=lambda one: (one.welch is None, one.p[0], -one.p[1]))

    @cached_property
    def obstacle(self) -> str | None:
        """Say why the claim cannot be tested, None when it can."""
        results = [result for cell in self.cells for result in cell.results.values()]
        if not any(results):
            return "no run yet"
        if self.missing:
            failed = sum(len(cell.without_value("failed")) for cell in self.cells)
            asked = self.missing + sum(cell.n + count_diverged(cell) for cell in self.cells)
            absent = self.missing - failed
            return f"{self.missing} of {asked} values are missing ({failed} failed, {absent} not there yet)"
        for cell in self.cells:
            if cell.n < 2:
                diverged = f", {count_diverged(cell)} diverged" if count_diverged(cell) else ""
                return f"a test needs two values, and {_name(cell)} has {cell.n} (of {len(cell.results)}{diverged})"
        for one in self.evidence:
            if one.welch is None:
                return f"the values of {one.contrast} have no spread (or too few or too large numbers) for a t test"
        return None

    @cached_property
    def missing(self) -> int:
        """Count the seeds, of the table's own and those run beside, with neither a value nor a divergence."""
        own = set(self.summary.table.seeds)
        return sum(len(own | cell.results.keys()) - cell.n - count_diverged(cell) for cell in self.cells)

    @cached_property
    def sides(self) -> tuple[float, float]:
        """One-sided p values for and against the claim."""
        return statistics.both([one.p[0] for one in self.evidence], [one.p[1] for one in self.evidence])

    @property
    def p(self) -> float | None:
        return None if self.obstacle else statistics.two_sided(*self.sides)

    def judgement(self, p_holm: float) -> Judgement:
        one = self.deciding
        verdict, reason = self._decide(p_holm)
        stale = len({result.key for cell in self.cells for result in cell.results.values() if result} & self._stale)
        if stale:
            reason += f"; {stale} of the runs were made by other package versions"
        tested = one.welch is not None
        return Judgement(
            claim=self.claim,
            verdict=verdict,
            reason=reason,
            n={place: cell.n for place, cell in zip(self.claim.places, self.cells, strict=True)},
            deciding=one.contrast,
            estimate=one.welch.estimate if one.welch else None,
            interval=one.welch.interval if one.welch else None,
            bootstrap=one.bootstrap if tested else None,
            effect=one.effect if tested else None,
            p=self.p,
            p_holm=None if self.p is None else p_holm,
            detectable=one.welch.detectable if one.welch and verdict == "undecided" else None,
            rank_p=one.ranks[0] if one.ranks else None,
            rank_effect=one.ranks[1] if one.ranks else None,
            diverged=sum(map(count_diverged, self.cells)),
            missing=self.missing,
        )

    @property
    def _stale(self) -> set[str]:
        return set(self.summary.stale)

    def _decide(self, p_holm: float) -> tuple[Verdict, str]:
        if self.summary.table.scale == "smoke":
            return "undecided", "scale smoke tests the machinery, its numbers mean nothing"
        if self.obstacle:
            return "undecided", self.obstacle
        supported = self.sides[0] < self.sides[1]
        found = self._finding(p_holm)
        if p_holm >= LEVEL:
            return "undecided", found
        doubts = [one.doubt(supported) for one in (self.evidence if supported else [self.deciding])]
        doubt = next((doubt for doubt in doubts if doubt), None)
        if doubt:
            return "undecided", doubt
        return ("supported" if supported else "contradicted"), found

    def _finding(self, p_holm: float) -> str:
        """Say where the deciding contrast lies, as a sentence."""
        one, unit = self.deciding, self.summary.table.unit
        assert one.welch is not None
        weakest = "" if len(self.evidence) == 1 else f"weakest of {len(self.evidence)} comparisons: "
        side = "below" if one.welch.t < 0 else "above"
        wanted = "below" if one.lower else "above"
        short = sum(len(cell.censored) for cell in self.cells)
        bound = f"; {short} did not get to the threshold, and count with all their steps" if short else ""
        text = f"{weakest}{one.contrast} is {one.welch.estimate:.3g} {unit}"
        if p_holm < LEVEL:
            said = "as the claim says" if side == wanted else f"where the claim wants it {wanted}"
            runs = sum(map(count_diverged, self.cells))
            lost = f"; {runs} diverged, and are counted in the ranks alone" if runs else ""
            return f"{text}, {side} {one.limit:.3g} {said} (Holm p {p_text(p_holm)}){lost}{bound}"
        tail = f" after Holm, {p_text(self.p or 0.0)} before" if (self.p or 0.0) < LEVEL else " after Holm"
        seen = one.welch.detectable
        power = "" if seen is None else f"; a distance of {seen:.3g} {unit} would be found with 80 % power"
        return (
            f"{text}, not clearly {wanted} or {_other(wanted)} {one.limit:.3g} (p {p_text(p_holm)}{tail}){power}{bound}"
        )


def _other(side: str) -> str:
    return "above" if side == "below" else "below"


def _name(cell: FilledCell) -> str:
    return f"{cell.cell.column}, {cell.cell.row}"
