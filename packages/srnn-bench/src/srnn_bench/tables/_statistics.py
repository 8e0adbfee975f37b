"""Statistics of verdicts: tests, effect sizes and corrections on plain samples.

scipy is imported inside the functions that use it, since it takes long to load and only verdicts need it.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._claim import LEVEL

BOOTSTRAP_FROM = 10  # values in every sample; with 3 values a percentile bootstrap has 18 % false positives

ROUNDING = 1e-12  # a spread below this share of the values is due to rounding

PERMUTATIONS = 10_000

Samples = Sequence[Sequence[float]]


@dataclass(frozen=True)
class TTest:
    """A t test of a weighted sum of independent means against a limit."""

    estimate: float
    limit: float
    error: float  # standard error of the estimate
    df: int

    @property
    def t(self) -> float:
        """Distance of the estimate from the limit, in standard errors."""
        return (self.estimate - self.limit) / self.error

    @property
    def p_below(self) -> float:
        """One-sided p value for a sum below the limit."""
        return self._cdf(self.t)

    @property
    def p_above(self) -> float:
        """One-sided p value for a sum above the limit."""
        return self._cdf(-self.t)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the sum."""
        from scipy import special  # type: ignore[import-untyped]

        half = float(special.stdtrit(self.df, 1 - LEVEL / 2)) * self.error
        return self.estimate - half, self.estimate + half

    def _cdf(self, t: float) -> float:
        from scipy import special

        return float(special.stdtr(self.df, t))


def t_test(samples: Samples, weights: Sequence[float], limit: float = 0.0) -> TTest | None:
    """Test the sum of weight times mean by Welch's t, with the degrees of freedom of the smallest sample.

    With these, the test errs in at most 5 % of normal samples of any spreads and sizes, also after a correction for
    several tests (Hájek 1962). Satterthwaite's approximate degrees of freedom do not keep small levels: at the first of
    eleven steps of Holm's procedure, three values per cell and unequal spreads give twice the level.

    Returns None if there is no t test: fewer than two values in a sample, no spread, or numbers too large for floats.
    """
    if min(len(sample) for sample in samples) < 2:
        return None
    with np.errstate(all="ignore"):
        weighted = _weighted(samples, weights)
        error = math.sqrt(float(sum(sample.var(ddof=1) / len(sample) for sample in weighted)))
        if not error > ROUNDING * max(abs(limit), *(float(np.abs(sample).max()) for sample in weighted)):
            return None
        df = min(len(sample) for sample in weighted) - 1
        test = TTest(float(sum(sample.mean() for sample in weighted)), limit, error, df)
        numbers = (test.t, test.error, *test.interval)
    return test if all(math.isfinite(number) for number in numbers) else None


def hedges(samples: Samples, weights: Sequence[float], limit: float = 0.0) -> float | None:
    """Return the distance of the weighted sum of means from the limit in pooled standard deviations, bias corrected.

    For two samples with weights 1 and -1 it is Hedges' g (Hedges 1981, with the exact correction). None if it is not
    defined: fewer than two degrees of freedom, or no spread.
    """
    df = sum(len(sample) - 1 for sample in samples)
    if df < 2 or min(map(len, samples)) < 1:
        return None
    with np.errstate(all="ignore"):
        weighted = _weighted(samples, weights)
        pooled = math.sqrt(sum(float(((sample - sample.mean()) ** 2).sum()) for sample in weighted) / df)
        if not pooled > ROUNDING * max(float(np.abs(sample).max()) for sample in weighted):
            return None
        distance = (float(sum(sample.mean() for sample in weighted)) - limit) / pooled
    correction = math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    return distance * correction if math.isfinite(distance) else None


def bootstrap(samples: Samples, weights: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95 % BCa bootstrap interval of the weighted sum of means (Efron 1987).

    None with fewer than 10 values in a sample, or if the distribution is degenerate.
    """
    if min(len(sample) for sample in samples) < BOOTSTRAP_FROM:
        return None
    from scipy import stats

    def total(*resampled: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        means = [weight * sample.mean(axis=axis) for weight, sample in zip(weights, resampled, strict=True)]
        return np.sum(means, axis=0)  # type: ignore[no-any-return]

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a degenerate distribution gives nan, and so None below
        result = stats.bootstrap(samples, total, vectorized=True, method="BCa", rng=np.random.default_rng(0))
    low, high = map(float, result.confidence_interval)
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def mann_whitney(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """Return the two-sided p value and the probability that ours is below theirs (Mann and Whitney 1947).

    A tie counts half. Both samples need two or more values, which may be infinite. The p value is exact without ties,
    and with ties up to 10,000 permutations; beyond that it is the normal approximation.
    """
    from scipy import stats

    pooled = [*ours, *theirs]
    ranks = stats.rankdata(pooled)
    tied = max(Counter(pooled).values()) > 1
    if tied and math.comb(len(pooled), len(ours)) <= PERMUTATIONS:
        method = stats.PermutationMethod(n_resamples=PERMUTATIONS)
    else:
        method = "exact" if not tied and len(ours) * len(theirs) <= 50**2 else "asymptotic"
    result = stats.mannwhitneyu(ranks[: len(ours)], ranks[len(ours) :], alternative="two-sided", method=method)
    return float(result.pvalue), 1 - float(result.statistic) / (len(ours) * len(theirs))


def fisher(failures: tuple[int, int], ended: tuple[int, int]) -> float:
    """Return the two-sided p value that two cells fail equally often (Fisher's exact test, Fisher 1922).

    `failures` and `ended` are the failures and all runs of the two cells; 1 if a cell has no runs.
    """
    from scipy import stats

    table = [[count, total - count] for count, total in zip(failures, ended, strict=True)]
    p = float(stats.fisher_exact(table).pvalue)
    return p if math.isfinite(p) else 1.0


def combine(p_for: Sequence[float], p_against: Sequence[float]) -> tuple[float, float]:
    """Return the p values that all of several contrasts hold, and that at least one of them is reversed.

    All hold: the largest p value (intersection-union test, Berger 1982). One is reversed: the smallest p value times
    the number of contrasts (Bonferroni).
    """
    return max(p_for), min(1.0, len(p_against) * min(p_against))


def two_sided(p_for: float, p_against: float) -> float:
    """Return the two-sided p value of two one-sided ones."""
    return min(1.0, 2 * min(p_for, p_against))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p values corrected for their number by Holm's step-down procedure (Holm 1979)."""
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected


def _weighted(samples: Samples, weights: Sequence[float]) -> list[NDArray[np.float64]]:
    return [weight * np.asarray(sample, dtype=np.float64) for weight, sample in zip(weights, samples, strict=True)]
