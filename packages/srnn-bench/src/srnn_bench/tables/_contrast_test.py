"""Statistical tests of one contrast of a claim."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ._claim import LEVEL, Contrast
from ._filled import FilledCell
from ._statistics import Welch, bootstrap, hedges, mann_whitney, welch


@dataclass(frozen=True)
class ContrastTest:
    """The tests of a contrast; `lower` is whether the better side is below the limit."""

    contrast: Contrast
    cells: tuple[FilledCell, ...]
    lower: bool

    @property
    def limit(self) -> float:
        """Value at which the better side begins."""
        return self.contrast.bound + (self.contrast.margin if self.lower else -self.contrast.margin)

    @cached_property
    def parts(self) -> list[tuple[float, list[float]]]:
        """Weight and values of each independent part of the sum.

        A part is a cell, or all cells that the same runs fill, combined within each run.
        """
        by_experiment: dict[object, list[tuple[float, dict[int, float]]]] = {}
        for (_, _, weight), cell in zip(self.contrast.terms, self.cells, strict=True):
            by_experiment.setdefault(cell.cell.experiment, []).append((weight, cell.values))
        parts = []
        for members in by_experiment.values():
            if len(members) == 1:
                weight, values = members[0]
                parts.append((weight, list(values.values())))
            else:
                seeds = [seed for seed in members[0][1] if all(seed in values for _, values in members)]
                parts.append((1.0, [sum(weight * values[seed] for weight, values in members) for seed in seeds]))
        return parts

    @cached_property
    def welch(self) -> Welch | None:
        """The t test, None if there is none."""
        return welch(self._samples, self._weights, self.limit)

    @property
    def p(self) -> tuple[float, float]:
        """One-sided p values for and against the contrast; both are 1 without a test."""
        if self.welch is None:
            return 1.0, 1.0
        below, above = self.welch.p_below, self.welch.p_above
        return (below, above) if self.lower else (above, below)

    @property
    def effect(self) -> float | None:
        """Standardised distance from the limit, positive on the better side."""
        effect = hedges(self._samples, self._weights, self.limit)
        return effect if effect is None or not self.lower else -effect

    @property
    def bootstrap(self) -> tuple[float, float] | None:
        """Bootstrap interval of the sum."""
        return bootstrap(self._samples, self._weights)

    @cached_property
    def ranks(self) -> tuple[float, float] | None:
        """Rank test of two cells with weights of opposite signs: its p value and effect, None if there is no test.

        A diverged run counts as the worst value. So does a censored run, since it takes more than all its steps; if a
        run of the other cell took longer than that, the two cannot be ranked, and there is no test.
        """
        weights = self._weights
        if len(self.contrast.terms) != 2 or len(weights) != 2 or weights[0] * weights[1] > 0:
            return None
        cost = 1 if self.lower else -1  # small costs are good
        samples, bounds = [], []
        for weight, cell in zip(weights, self.cells, strict=True):
            offset = self.limit if weight < 0 else 0.0
            costs = {seed: cost * (abs(weight) * value + offset) for seed, value in cell.values.items()}
            bounds.append([costs.pop(seed) for seed in cell.censored])
            samples.append([*costs.values(), *[math.inf] * (len(cell.censored) + cell.diverged)])
        for bounds_of_one, costs_of_other in zip(bounds, reversed(samples), strict=True):
            if any(bound < other < math.inf for bound in bounds_of_one for other in costs_of_other):
                return None
        if min(map(len, samples)) < 2:
            return None
        ours, theirs = samples if weights[0] > 0 else reversed(samples)
        return mann_whitney(ours, theirs)

    def doubt(self, supported: bool) -> str | None:
        """Return why diverged or censored runs rule out a verdict, None if they do not.

        If such runs are in a cell that the verdict favours, the rank test must be significant by itself.
        """
        runs = lost_runs(self.cells)
        if not runs:
            return None
        if self.ranks is None:
            return f"{runs}, and there is no rank test of {self.contrast} that could include them"
        p, effect = self.ranks
        if not (effect > 0.5 if supported else effect < 0.5):
            return f"{runs}; ranked as the worst values, they make the ranks of {self.contrast} disagree with the means"
        # a run without a value favours its cell: with a weight above 0 that favours the claim, else its opposite
        terms = zip(self.contrast.terms, self.cells, strict=True)
        favoured = [cell for (_, _, weight), cell in terms if (weight > 0) == supported]
        if p >= LEVEL and lost_runs(favoured):
            return (
                f"{runs}; ranked as the worst values, they leave the rank test of {self.contrast} "
                f"not significant (p {p_text(p)})"
            )
        return None

    @property
    def _weights(self) -> list[float]:
        return [weight for weight, _ in self.parts]

    @property
    def _samples(self) -> list[list[float]]:
        return [values for _, values in self.parts]


def p_text(value: float) -> str:
    """Return a p value with its relation sign."""
    return f"= {value:.2g}" if value >= 1e-4 else "< 0.0001"


def run_count(count: int) -> str:
    """Return a number of runs in words."""
    return f"{count} run" if count == 1 else f"{count} runs"


def lost_runs(cells: Sequence[FilledCell]) -> str:
    """Return how many runs have no value or only a bound, an empty text if there are none."""
    counts = {
        "diverged": sum(cell.diverged for cell in cells),
        "did not reach the threshold": sum(len(cell.censored) for cell in cells),
    }
    return ", ".join(f"{run_count(count)} {what}" for what, count in counts.items() if count)
