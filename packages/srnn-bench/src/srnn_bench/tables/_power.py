"""Power: how far contrasts must lie from their limits to be found, by the rules that decide claims.

Values of normal cells are simulated with the spread of given ones, always with the same random numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._cell import Place
from ._statistics import ROUNDING

POWER = 0.8

DRAWS = 4_000

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """The deviations from their means of cells whose values vary together, since the same runs or seeds give them.

    `deviations` is (values, cells): one row per run.
    """

    places: tuple[Place, ...]
    deviations: Numbers

    def draw(self, generator: np.random.Generator, n: int) -> dict[Place, Numbers]:
        """Return normal values (draws, n) of each cell with mean 0 and the covariance of the deviations."""
        m = len(self.deviations)
        values = generator.standard_normal((DRAWS, n, m)) @ self.deviations / np.sqrt(m - 1)
        return {place: values[:, :, index] for index, place in enumerate(self.places)}


@dataclass(frozen=True)
class Errors:
    """Simulated errors of the sums of several contrasts.

    `error` is the deviation of the sum of means from its true value and `spread` its standard error, (draws, contrasts)
    each; `df` (contrasts,) are the degrees of freedom of the t test.
    """

    error: Numbers
    spread: Numbers
    df: NDArray[np.int64]

    def distance(self, level: float, lower: bool) -> float | None:
        """Return how far all sums must lie on their better sides for all one-sided tests to reject in 80 % of draws."""
        return _power_point(self._half(level) + (self.error if lower else -self.error))

    def margin(self, level: float) -> float | None:
        """Return the margin within which all sums are found to be 0 in 80 % of draws, if they are."""
        return _power_point(self._half(level) + np.abs(self.error))

    def _half(self, level: float) -> Numbers:
        from scipy import special  # type: ignore[import-untyped]

        return np.asarray(special.stdtrit(self.df, 1 - level) * self.spread, dtype=np.float64)


def _power_point(needed: Numbers) -> float | None:
    """Return the 80 % quantile over draws of the largest of the contrasts, None if it is not finite."""
    number = float(np.quantile(needed.max(axis=1), POWER))
    return number if np.isfinite(number) else None


def simulate(
    contrasts: Sequence[Sequence[tuple[Place, float]]], spreads: Sequence[Spread], n: Sequence[int]
) -> Errors | None:
    """Simulate the sums of contrasts, each given by the weights of its cells; all means are 0.

    `n` is the number of values of the cells of each spread, at least 2. None if a sum has no spread.
    """
    generator = np.random.default_rng(0)
    drawn = [spread.draw(generator, number) for spread, number in zip(spreads, n, strict=True)]
    columns, df = [], []
    for contrast in contrasts:
        error, variance, sizes = np.zeros(DRAWS), np.zeros(DRAWS), []
        for values, number in zip(drawn, n, strict=True):
            terms = [weight * values[place] for place, weight in contrast if place in values]
            if terms:
                part = np.sum(terms, axis=0)
                error, variance = error + part.mean(axis=1), variance + part.var(axis=1, ddof=1) / number
                sizes.append(number)
        columns.append((error, variance))
        df.append(min(sizes) - 1)
    error, variance = (np.stack(column, axis=1) for column in zip(*columns, strict=True))
    largest = max(float(np.abs(spread.deviations).max()) for spread in spreads)
    if not variance.min() > (ROUNDING * largest) ** 2:
        return None
    return Errors(error, np.sqrt(variance), np.array(df))
