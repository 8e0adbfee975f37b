"""From the results of a table to a verdict on each of its claims; the rules stand in `judge`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from . import _statistics as statistics
from ._claims import Claim, Contrast, Judgement, Verdict
from ._statistics import LEVEL
from ._summary import CellSummary, Summary


def judgements(summary: Summary) -> list[Judgement]:
    """Judge every claim of a table."""
    cases = [_Case(claim, summary) for claim in summary.table.claims]
    corrected = statistics.holm([1.0 if case.p is None else case.p for case in cases])
    return [case.judgement(p_holm) for case, p_holm in zip(cases, corrected, strict=True)]


@dataclass(frozen=True)
class _Evidence:
    """What the runs say of one contrast; tests look below the limit where lower is better, else above."""

    contrast: Contrast
    cells: tuple[CellSummary, ...]
    lower: bool

    @property
    def limit(self) -> float:
        """Where the better side begins."""
        return self.contrast.bound + (self.contrast.margin if self.lower else -self.contrast.margin)

    @cached_property
    def parts(self) -> list[tuple[float, list[float]]]:
        """Weight and values of each independent part of the sum: a cell, or several that one run fills, combined."""
        together: dict[object, list[tuple[float, dict[int, float]]]] = {}
        for (_, _, weight), cell in zip(self.contrast.terms, self.cells, strict=True):
            together.setdefault(cell.cell.experiment, []).append((weight, cell.values))
        found = []
        for members in together.values():
            if len(members) == 1:
                weight, values = members[0]
                found.append((weight, list(values.values())))
            else:
                seeds = [seed for seed in members[0][1] if all(seed in values for _, values in members)]
                found.append((1.0, [sum(weight * values[seed] for weight, values in members) for seed in seeds]))
        return found

    @cached_property
    def welch(self) -> statistics.Welch | None:
        """The t test, where there is one."""
        return statistics.welch(self._samples, self._weights, self.limit)

    @property
    def p(self) -> tuple[float, float]:
        """One-sided p values for and against; both 1 without a test."""
        if self.welch is None:
            return 1.0, 1.0
        below, above = self.welch.p_below, self.welch.p_above
        return (below, above) if self.lower else (above, below)

    @property
    def effect(self) -> float | None:
        """Standardised distance from the limit, positive on the better side."""
        found = statistics.hedges(self._samples, self._weights, self.limit)
        return found if found is None or not self.lower else -found

    @property
    def bootstrap(self) -> tuple[float, float] | None:
        """Bootstrap interval of the sum."""
        return statistics.bootstrap(self._samples, self._weights)

    @cached_property
    def ranks(self) -> tuple[float, float] | None:
        """Rank test of two cells of opposite weights, and its effect in favour, a diverged run as the worst value.

        A run that never got to its threshold takes more than all its steps, so it is a worst value too; where a run of
        the other cell took longer than that, the two cannot be ranked, and there is no test.
        """
        weights = self._weights
        if len(self.contrast.terms) != 2 or len(weights) != 2 or weights[0] * weights[1] > 0:
            return None
        cost = 1 if self.lower else -1  # small is good from here on
        scaled, ends = [], []
        for weight, cell in zip(weights, self.cells, strict=True):
            offset = self.limit if weight < 0 else 0.0
            costs = {seed: cost * (abs(weight) * value + offset) for seed, value in cell.values.items()}
            ends.append([costs.pop(seed) for seed in cell.censored])
            scaled.append([*costs.values(), *[float("inf")] * (len(cell.censored) + _diverged(cell))])
        for held, others in zip(ends, reversed(scaled), strict=True):
            if any(end < other < float("inf") for end in held for other in others):
                return None
        if min(map(len, scaled)) < 2:
            return None
        ours, theirs = scaled if weights[0] > 0 else reversed(scaled)
        return statistics.mann_whitney(ours, theirs)

    def doubt(self, supported: bool) -> str | None:
        """Say why runs that diverged or never got to their threshold forbid a verdict, None when they do not.

        Where they are in a cell that the verdict favours, the ranks must say the same by themselves.
        """
        runs = _lost(self.cells)
        if not runs:
            return None
        if self.ranks is None:
            return f"{runs}, and no rank test of {self.contrast} can count them"
        p, effect = self.ranks
        if not (effect > 0.5 if supported else effect < 0.5):
            return (
                f"{runs}; counted as the worst values, the ranks of {self.contrast} do not point the way of the means"
            )
        # a cell gains by what is missing from its mean: with a weight above 0 the claim does, else its contrary
        terms = zip(self.contrast.terms, self.cells, strict=True)
        favoured = [cell for (_, _, weight), cell in terms if (weight > 0) == supported]
        if p >= LEVEL and _lost(favoured):
            return f"{runs}; counted as the worst values, the ranks of {self.contrast} do not decide it (p {_p(p)})"
        return None

    @property
    def _weights(self) -> list[float]:
        return [weight for weight, _ in self.parts]

    @property
    def _samples(self) -> list[list[float]]:
        return [values for _, values in self.parts]


@dataclass(frozen=True)
class _Case:
    claim: Claim
    summary: Summary

    @cached_property
    def cells(self) -> tuple[CellSummary, ...]:
        return tuple(self.summary.cells[place] for place in self.claim.places)

    @cached_property
    def evidence(self) -> list[_Evidence]:
        lower = self.summary.table.better == "lower"
        cells = self.summary.cells
        return [
            _Evidence(contrast, tuple(cells[place] for place in contrast.places), lower)
            for contrast in self.claim.contrasts
        ]

    @cached_property
    def deciding(self) -> _Evidence:
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
            asked = self.missing + sum(cell.n + _diverged(cell) for cell in self.cells)
            absent = self.missing - failed
            return f"{self.missing} of {asked} values are missing ({failed} failed, {absent} not there yet)"
        for cell in self.cells:
            if cell.n < 2:
                diverged = f", {_diverged(cell)} diverged" if _diverged(cell) else ""
                return f"a test needs two values, and {_name(cell)} has {cell.n} (of {len(cell.results)}{diverged})"
        for one in self.evidence:
            if one.welch is None:
                return f"the values of {one.contrast} have no spread (or too few or too large numbers) for a t test"
        return None

    @cached_property
    def missing(self) -> int:
        """Count the seeds, of the table's own and those run beside, with neither a value nor a divergence."""
        own = set(self.summary.table.seeds)
        return sum(len(own | cell.results.keys()) - cell.n - _diverged(cell) for cell in self.cells)

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
            diverged=sum(map(_diverged, self.cells)),
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
            runs = sum(map(_diverged, self.cells))
            lost = f"; {runs} diverged, and are counted in the ranks alone" if runs else ""
            return f"{text}, {side} {one.limit:.3g} {said} (Holm p {_p(p_holm)}){lost}{bound}"
        tail = f" after Holm, {_p(self.p or 0.0)} before" if (self.p or 0.0) < LEVEL else " after Holm"
        seen = one.welch.detectable
        power = "" if seen is None else f"; a distance of {seen:.3g} {unit} would be found with 80 % power"
        return f"{text}, not clearly {wanted} or {_other(wanted)} {one.limit:.3g} (p {_p(p_holm)}{tail}){power}{bound}"


def _other(side: str) -> str:
    return "above" if side == "below" else "below"


def _p(value: float) -> str:
    return f"= {value:.2g}" if value >= 1e-4 else "< 0.0001"


def _name(cell: CellSummary) -> str:
    return f"{cell.cell.column}, {cell.cell.row}"


def _diverged(cell: CellSummary) -> int:
    return len(cell.without_value("diverged"))


def _lost(cells: Sequence[CellSummary]) -> str:
    """Say how many runs have no value or no exact one, nothing where all have."""
    counts = {
        "diverged": sum(map(_diverged, cells)),
        "did not get to the threshold": sum(len(cell.censored) for cell in cells),
    }
    return ", ".join(f"{count} {'run' if count == 1 else 'runs'} {what}" for what, count in counts.items() if count)
