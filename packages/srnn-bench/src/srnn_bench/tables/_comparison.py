"""Comparison of experiments, each with every other one, on one metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from ._claim import LEVEL
from ._filled import FilledCell
from ._power import Spread, simulate
from ._statistics import TTest, hedges, holm, t_test, two_sided


@dataclass(frozen=True)
class Comparison:
    """Two experiments and the t test of the difference of their means, first minus second.

    Attributes:
        first, second: Names of the experiments.
        n: Number of values of each.
        lost: Number of runs of each that have no value because they diverged or failed.
        test: The test; None with fewer than two values of either, or if all values of both are equal within rounding.
        p: Two-sided p value, uncorrected; None without a test.
        p_holm: The same, corrected by Holm's procedure over all pairs that were tested.
        effect: Hedges' g, the difference in pooled standard deviations; None if it is not defined.
        detectable: Difference that these tests detect with 80 % power at this n and spread, at the first step of Holm's
            procedure; None without a test.
    """

    first: str
    second: str
    n: tuple[int, int]
    lost: tuple[int, int]
    test: TTest | None = None
    p: float | None = None
    p_holm: float | None = None
    effect: float | None = None
    detectable: float | None = None

    @property
    def conclusion(self) -> str:
        """What the test says, in a sentence: which mean is lower, or what could not be found or tested."""
        if self.test is None or self.p_holm is None:
            if min(self.n) < 2:
                return "not tested: needs at least two values of each"
            return "not tested: the values do not vary"
        lost = f", among the runs with a value: {sum(self.lost)} of {sum(self.n + self.lost)} have none"
        lost = lost if any(self.lost) else ""
        if self.p_holm < LEVEL:
            low, high = (self.first, self.second) if self.test.estimate < 0 else (self.second, self.first)
            return f"the mean of {low} is lower than that of {high}{lost}"
        corrected = " after correction" if self.p is not None and self.p < LEVEL else ""
        size = self.detectable
        found = "" if size is None else f"; a difference of {size:.2g} would be detected with 80 % power"
        return f"no difference found{corrected}{lost}{found}"


def compare(cells: Mapping[str, FilledCell]) -> list[Comparison]:
    """Compare each experiment with every later one by the values of their cells.

    Runs are treated as independent samples, also where two experiments have the same seeds.
    """
    pairs = []
    for first, second in combinations(cells, 2):
        both = cells[first], cells[second]
        samples = [list(cell.values.values()) for cell in both]
        test = t_test(samples, (1.0, -1.0))
        pairs.append(
            Comparison(
                first,
                second,
                n=(both[0].n, both[1].n),
                lost=(_lost(both[0]), _lost(both[1])),
                test=test,
                p=None if test is None else two_sided(test.p_below, test.p_above),
                effect=hedges(samples, (1.0, -1.0)),
            )
        )
    tested = [pair for pair in pairs if pair.p is not None]
    corrected = iter(holm([pair.p for pair in tested if pair.p is not None]))
    level = LEVEL / 2 / max(1, len(tested))
    return [
        pair
        if pair.p is None
        else replace(pair, p_holm=next(corrected), detectable=_detectable(cells[pair.first], cells[pair.second], level))
        for pair in pairs
    ]


def _detectable(first: FilledCell, second: FilledCell, level: float) -> float | None:
    samples = {(name, ""): np.array(list(cell.values.values())) for name, cell in (("+", first), ("-", second))}
    spreads = [Spread((place,), (values - values.mean())[:, np.newaxis]) for place, values in samples.items()]
    errors = simulate([[(("+", ""), 1.0), (("-", ""), -1.0)]], spreads, [first.n, second.n])
    return None if errors is None else errors.distance(level, lower=True)


def _lost(cell: FilledCell) -> int:
    return cell.diverged + cell.failed
