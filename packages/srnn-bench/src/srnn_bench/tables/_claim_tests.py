"""The tests of all contrasts of a claim, and their joint power."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ._cell import Place
from ._claim import Claim
from ._contrast_test import ContrastTest
from ._filled import FilledCell
from ._plan import Plan
from ._power import Errors, Spread, simulate
from ._sample import Sample
from ._statistics import combine, two_sided


@dataclass(frozen=True)
class ClaimTests:
    """A claim, the runs that it is judged by, and the tests of its contrasts.

    Attributes:
        claim: The claim.
        samples: The runs of each cell that the claim uses.
        tests: One per contrast.
    """

    claim: Claim
    samples: dict[Place, Sample]
    tests: tuple[ContrastTest, ...]

    @cached_property
    def sides(self) -> tuple[float, float]:
        """One-sided p values for and against the claim."""
        return combine([test.p[0] for test in self.tests], [test.p[1] for test in self.tests])

    @property
    def p(self) -> float:
        """Two-sided p value of the claim."""
        return two_sided(*self.sides)

    @cached_property
    def p_equivalent(self) -> float | None:
        """P value that all pairs of means are within the margin, None if there is no such test."""
        p_values = [test.p_equivalent for test in self.tests]
        known = [p for p in p_values if p is not None]
        return max(known) if len(known) == len(p_values) else None

    @property
    def missing(self) -> int:
        """Number of runs that ended with an error or have no result."""
        return sum(len(sample.missing) for sample in self.samples.values())

    def doubt(self, supported: bool) -> str | None:
        """Return why failures or censored runs rule out that the claim is supported or contradicted, or None."""
        tests = self.tests if supported else (self.deciding,)
        return next((doubt for doubt in (test.doubt(supported) for test in tests) if doubt), None)

    @property
    def doubt_of_equivalence(self) -> str | None:
        """Why failures or censored runs rule out an equivalence, which favours both cells of each pair, or None."""
        doubts = (test.doubt(supported) for test in self.tests for supported in (True, False))
        return next((doubt for doubt in doubts if doubt), None)

    @property
    def deciding(self) -> ContrastTest:
        """The contrast with the weakest support; one without a test is the weakest."""
        return max(self.tests, key=lambda test: (test.t_test is None, test.p[0], -test.p[1]))

    @property
    def least_equivalent(self) -> ContrastTest:
        """The contrast with the weakest evidence of equivalence."""
        return max(self.tests, key=lambda test: 1.0 if test.p_equivalent is None else test.p_equivalent)

    def detectable(self, level: float) -> float | None:
        """Return how far all contrasts must lie on their better sides to be found in 80 % of samples like these.

        `level` is that of each one-sided test. None if the contrasts exclude each other there, a cell has no spread, or
        failures rule out that the claim is supported.
        """
        spreads = self.spreads
        barred = any(test.doubt_of_failures(supported=True) for test in self.tests)
        if spreads is None or barred or not self.can_all_hold:
            return None
        errors = self.errors(spreads, [len(spread.deviations) for spread in spreads])
        return None if errors is None else errors.distance(level, self.tests[0].lower)

    @property
    def groups(self) -> list[tuple[Place, ...]]:
        """The cells that vary together: those of the same runs, or all if the plan pairs them."""
        groups: dict[object, dict[Place, None]] = {}
        for test in self.tests:
            for place in test.contrast.places:
                groups.setdefault(self.samples[place].group(paired=test.plan.paired), {})[place] = None
        return [tuple(places) for places in groups.values()]

    @cached_property
    def spreads(self) -> list[Spread] | None:
        """The spread of each group of cells; None if one has fewer than two runs that learned in all its cells."""
        values: dict[Place, dict[int, float]] = {}
        for test in self.tests:
            values |= zip(test.contrast.places, test.values or ({} for _ in test.samples), strict=True)
        spreads = []
        for places in self.groups:
            seeds = [seed for seed in values[places[0]] if all(seed in values[place] for place in places)]
            if len(seeds) < 2:
                return None
            rows = np.array([[values[place][seed] for place in places] for seed in seeds])
            spreads.append(Spread(places, rows - rows.mean(axis=0)))
        return spreads

    @property
    def unit_spreads(self) -> list[Spread]:
        """Spreads of independent cells with standard deviation 1."""
        from scipy import linalg  # type: ignore[import-untyped]

        return [Spread(places, linalg.helmert(len(places) + 1).T * math.sqrt(len(places))) for places in self.groups]

    def errors(self, spreads: Sequence[Spread], n: Sequence[int]) -> Errors | None:
        """Simulate the contrasts with `n` values of the cells of each spread; None without spread or test."""
        contrasts = []
        for test in self.tests:
            if test.form is None:
                return None
            contrasts.append(list(zip(test.contrast.places, test.form[0], strict=True)))
        return simulate(contrasts, spreads, n)

    @cached_property
    def can_all_hold(self) -> bool:
        """Whether all contrasts can lie on their better sides by any distance, unlike those of `matches`."""
        forms = [test.form for test in self.tests]
        places = {place: index for index, place in enumerate(self.claim.places)}
        matrix = np.zeros((len(forms), len(places)))
        for row, (test, form) in enumerate(zip(self.tests, forms, strict=True)):
            if form is None:
                return False
            for place, weight in zip(test.contrast.places, form[0], strict=True):
                matrix[row, places[place]] = weight
        better = -1.0 if self.tests[0].lower else 1.0
        wanted = np.array([[form[1], better] for form in forms if form is not None])
        means, *_ = np.linalg.lstsq(matrix, wanted, rcond=None)
        return bool(np.allclose(matrix @ means, wanted, atol=1e-9 * max(1.0, float(np.abs(wanted).max()))))


def claim_tests(claim: Claim, cells: Mapping[Place, FilledCell], plan: Plan, *, lower: bool) -> ClaimTests:
    """Return the tests of a claim on these cells by the rules of a plan; `lower` is whether lower is better."""
    samples = {place: Sample(cells[place], plan.failure_threshold, lower) for place in claim.places}
    tests = (
        ContrastTest(contrast, tuple(samples[place] for place in contrast.places), lower, plan)
        for contrast in claim.contrasts
    )
    return ClaimTests(claim, samples, tuple(tests))
