"""Statistical tests of one contrast of a claim."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ._claim import LEVEL, Contrast
from ._plan import Plan
from ._sample import Sample, failure_text
from ._statistics import TTest, bootstrap, fisher, hedges, mann_whitney, t_test


@dataclass(frozen=True)
class ContrastTest:
    """The tests of a contrast by the rules of a plan; `lower` is whether the better side is below the limit."""

    contrast: Contrast
    samples: tuple[Sample, ...]
    lower: bool
    plan: Plan

    @cached_property
    def form(self) -> tuple[tuple[float, ...], float] | None:
        """Weights of the cells, and the value at which the better side begins.

        With logarithms, `weight a x mean a < -weight b x mean b` is `log a - log b < log of the ratio of the weights`.
        None for a contrast that has no such form.
        """
        contrast, weights = self.contrast, tuple(weight for _, _, weight in self.contrast.terms)
        if not self.plan.log:
            return weights, contrast.bound + (contrast.margin if self.lower else -contrast.margin)
        signs = tuple(math.copysign(1.0, weight) for weight in weights)
        if contrast.margin == 0 and contrast.bound == 0 and len(weights) == 2 and sum(signs) == 0:
            return signs, signs[0] * math.log(abs(weights[1] / weights[0]))
        if contrast.margin == 0 and len(weights) == 1 and contrast.bound / weights[0] > 0:
            return signs, signs[0] * math.log(contrast.bound / weights[0])
        return None

    @property
    def limit(self) -> float:
        """Value at which the better side begins."""
        return 0.0 if self.form is None else self.form[1]

    @cached_property
    def values(self) -> list[dict[int, float]] | None:
        """The values by seed of the runs that learned, of each cell; their logarithms if the plan compares these.

        None if these do not exist.
        """
        values = [sample.values for sample in self.samples]
        if not self.plan.log:
            return values
        if any(value <= 0 for of_cell in values for value in of_cell.values()):
            return None
        return [{seed: math.log(value) for seed, value in of_cell.items()} for of_cell in values]

    @cached_property
    def groups(self) -> list[list[tuple[float, dict[int, float]]]]:
        """Weight and values by seed of each cell, in the groups that are combined; none if there is no test.

        The stages of one run are combined within the run if the plan has no failure threshold, and all cells within
        the seed if it pairs them.
        """
        if self.form is None or self.values is None:
            return []
        groups: dict[object, list[tuple[float, dict[int, float]]]] = {}
        for weight, sample, values in zip(self.form[0], self.samples, self.values, strict=True):
            groups.setdefault(sample.group(paired=self.plan.paired), []).append((weight, values))
        return list(groups.values())

    @cached_property
    def parts(self) -> list[tuple[float, list[float]]]:
        """Weight and values of each independent part of the sum, none if there is no test.

        A part is a cell, or a group of cells combined over the seeds for which all of them learned.
        """
        parts = []
        for members in self.groups:
            if len(members) == 1:
                weight, values = members[0]
                parts.append((weight, list(values.values())))
            else:
                seeds = [seed for seed in members[0][1] if all(seed in values for _, values in members)]
                parts.append((1.0, [sum(weight * values[seed] for weight, values in members) for seed in seeds]))
        return parts

    @property
    def leaves_out_learned_runs(self) -> bool:
        """Whether cells that are combined have learned for different seeds, so that values of some are left out."""
        return any(values.keys() != members[0][1].keys() for members in self.groups for _, values in members)

    @cached_property
    def t_test(self) -> TTest | None:
        """The t test, None if there is none."""
        return t_test(self._values, self._weights, self.limit) if self.parts else None

    @property
    def p(self) -> tuple[float, float]:
        """One-sided p values for and against the contrast; both are 1 without a test."""
        if self.t_test is None:
            return 1.0, 1.0
        below, above = self.t_test.p_below, self.t_test.p_above
        return (below, above) if self.lower else (above, below)

    @property
    def margin(self) -> float | None:
        """Margin of the equivalence test, None for a contrast that does more than compare two means."""
        if self.plan.margin is None or not self.contrast.compares_two_means:
            return None
        return math.log(self.plan.margin) if self.plan.log else self.plan.margin

    @cached_property
    def p_equivalent(self) -> float | None:
        """The larger p value of two one-sided tests that the two means differ by less than the margin, or None."""
        if self.margin is None or not self.parts:
            return None
        below = t_test(self._values, self._weights, self.margin)
        above = t_test(self._values, self._weights, -self.margin)
        return None if below is None or above is None else max(below.p_below, above.p_above)

    @property
    def effect(self) -> float | None:
        """Standardised distance from the limit, positive on the better side."""
        effect = hedges(self._values, self._weights, self.limit) if self.parts else None
        return effect if effect is None or not self.lower else -effect

    @property
    def bootstrap(self) -> tuple[float, float] | None:
        """Bootstrap interval of the sum."""
        return bootstrap(self._values, self._weights) if self.parts else None

    @cached_property
    def fisher(self) -> float | None:
        """P of Fisher's exact test of the failures of two cells, None for another number of cells or no failures."""
        if len(self.samples) != 2 or not any(sample.failures for sample in self.samples):
            return None
        first, second = self.samples
        return fisher((first.failures, second.failures), (first.ended, second.ended))

    @cached_property
    def ranks(self) -> tuple[float, float] | None:
        """Rank test of all runs of two cells with weights of opposite signs: its p value and effect, None without one.

        A diverged run counts as the worst value. So does a censored run, since it takes more than all its steps; if a
        run of the other cell took longer than that, the two cannot be ranked, and there is no test.
        """
        terms = self.contrast.terms
        cells = [sample.cell for sample in self.samples]
        if len(terms) != 2 or terms[0][2] * terms[1][2] > 0 or cells[0].cell.experiment == cells[1].cell.experiment:
            return None
        cost = 1 if self.lower else -1  # small costs are good
        limit = self.contrast.bound + cost * self.contrast.margin
        ranked, bounds = [], []
        for (_, _, weight), cell in zip(terms, cells, strict=True):
            offset = limit if weight < 0 else 0.0
            costs = {seed: cost * (abs(weight) * value + offset) for seed, value in cell.values.items()}
            bounds.append([costs.pop(seed) for seed in cell.censored])
            ranked.append([*costs.values(), *[math.inf] * (len(cell.censored) + cell.diverged)])
        for bounds_of_one, costs_of_other in zip(bounds, reversed(ranked), strict=True):
            if any(bound < other < math.inf for bound in bounds_of_one for other in costs_of_other):
                return None
        if min(map(len, ranked)) < 2:
            return None
        ours, theirs = ranked if terms[0][2] > 0 else reversed(ranked)
        return mann_whitney(ours, theirs)

    def doubt(self, supported: bool) -> str | None:
        """Return why failures or censored runs rule out a verdict for or against the contrast, None if they do not."""
        return self.doubt_of_failures(supported) or self._doubt_of_censored(supported)

    def _favoured(self, supported: bool) -> list[Sample]:
        """Return the cells that seem better without their worst runs, in favour of this verdict."""
        terms = zip(self.contrast.terms, self.samples, strict=True)
        return [sample for (_, _, weight), sample in terms if (weight > 0) == supported]

    def doubt_of_failures(self, supported: bool) -> str | None:
        """Return why failures rule out a verdict for or against the contrast, None if they do not.

        If a favoured cell has failures, the other of two cells must fail as often, and the runs must be enough. If
        cells are combined within runs or seeds, all of them must have learned for the same seeds: otherwise the means
        compared are not those of the runs that learned.
        """
        counts = f"failed to learn: {failure_text(self.samples)}"
        if self.leaves_out_learned_runs:
            within = "seed" if self.plan.paired else "run"
            return f"{counts}; these cells are compared within each {within}, which leaves out values of others"
        failing = [sample for sample in self._favoured(supported) if sample.failures]
        if not failing:
            return None
        if len(self.samples) != 2 or len(self._favoured(supported)) == 2:
            return f"{counts}; leaving these runs out favours {failing[0]}"
        (favoured,), (other,) = failing, [sample for sample in self.samples if sample is not failing[0]]
        if favoured.failures * other.ended > other.failures * favoured.ended:
            return f"{counts}; leaving these runs out favours {favoured}, which fails more often"
        if fisher((favoured.ended, 0), (favoured.ended, other.ended)) >= LEVEL:
            return f"{counts}; so few runs could not show by Fisher's test that {favoured} fails more often"
        return None

    def _doubt_of_censored(self, supported: bool) -> str | None:
        """If there are censored runs, the ranks must agree; if in a favoured cell, significantly."""
        runs = censored_runs(self.samples)
        if not runs:
            return None
        if self.ranks is None:
            return f"{runs}, and there is no rank test of {self.contrast} that could include them"
        p, effect = self.ranks
        if not (effect > 0.5 if supported else effect < 0.5):
            return f"{runs}; ranked as the worst values, they make the ranks of {self.contrast} disagree with the means"
        if p >= LEVEL and censored_runs(self._favoured(supported)):
            return (
                f"{runs}; ranked as the worst values, they leave the rank test of {self.contrast} "
                f"not significant (p {p_text(p)})"
            )
        return None

    @property
    def _weights(self) -> list[float]:
        return [weight for weight, _ in self.parts]

    @property
    def _values(self) -> list[list[float]]:
        return [values for _, values in self.parts]


def p_text(value: float) -> str:
    """Return a p value with its relation sign."""
    return f"= {value:.2g}" if value >= 1e-4 else "< 0.0001"


def censored_runs(samples: Sequence[Sample]) -> str:
    """Return how many runs that learned did not reach a threshold, an empty text if there are none."""
    count = sum(seed in sample.values for sample in samples for seed in sample.cell.censored)
    return f"{count} {'run' if count == 1 else 'runs'} did not reach the threshold" if count else ""
