"""Statistical tests of one contrast of a claim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from . import _statistics as statistics
from ._claim import Contrast
from ._filled import FilledCell
from ._statistics import LEVEL


@dataclass(frozen=True)
class ContrastTest:
    """What the runs say of one contrast; tests look below the limit where lower is better, else above."""

    contrast: Contrast
    cells: tuple[FilledCell, ...]
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
            scaled.append([*costs.values(), *[float("inf")] * (len(cell.censored) + count_diverged(cell))])
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
        runs = lost(self.cells)
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
        if p >= LEVEL and lost(favoured):
            return f"{runs}; counted as the worst values, the ranks of {self.contrast} do not decide it (p {p_text(p)})"
        return None

    @property
    def _weights(self) -> list[float]:
        return [weight for weight, _ in self.parts]

    @property
    def _samples(self) -> list[list[float]]:
        return [values for _, values in self.parts]


def p_text(value: float) -> str:
    return f"= {value:.2g}" if value >= 1e-4 else "< 0.0001"


def count_diverged(cell: FilledCell) -> int:
    return len(cell.without_value("diverged"))


def lost(cells: Sequence[FilledCell]) -> str:
    """Say how many runs have no value or no exact one, nothing where all have."""
    counts = {
        "diverged": sum(map(count_diverged, cells)),
        "did not get to the threshold": sum(len(cell.censored) for cell in cells),
    }
    return ", ".join(f"{count} {'run' if count == 1 else 'runs'} {what}" for what, count in counts.items() if count)
