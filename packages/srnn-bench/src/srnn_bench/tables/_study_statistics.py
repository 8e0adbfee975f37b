"""Statistics over draws: intervals of the probability of a lower value, of a rank correlation, and of shares.

scipy is imported inside the functions that use it, as in `_statistics`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ._claim import LEVEL
from ._statistics import mann_whitney

Interval = tuple[float, float]

RESAMPLES = 2000


def quantile(probability: float) -> float:
    """Return the quantile of the standard normal distribution."""
    from scipy import special  # type: ignore[import-untyped]

    return float(special.ndtri(probability))


def lower(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, Interval, tuple[float, float]]:
    """Return P(ours < theirs) + P(tie) / 2, its 95 % interval, and one-sided p values that it is above and below 1/2.

    The test is that of Mann and Whitney, the interval the fifth method of Newcombe (2006, Statistics in Medicine
    25:559), which holds also near 0 and 1.
    """
    p, probability = mann_whitney(ours, theirs)
    sides = (p / 2, 1 - p / 2) if probability > 0.5 else (1 - p / 2, p / 2)
    return probability, _probability_interval(probability, len(ours), len(theirs)), sides


def _probability_interval(estimate: float, m: int, n: int) -> Interval:
    """Return all probabilities t with |estimate - t| <= z sd(t)."""
    z, mean_size = quantile(1 - LEVEL / 2), (m + n) / 2 - 1

    def excess(t: float) -> float:
        variance = t * (1 - t) * (1 + mean_size * ((1 - t) / (2 - t) + t / (1 + t))) / (m * n)
        return abs(estimate - t) - z * math.sqrt(max(0.0, variance))

    return _ends(estimate, excess, (0.0, 1.0))


def _ends(estimate: float, excess: Callable[[float], float], limits: Interval) -> Interval:
    """Return where a function that is negative near the estimate becomes positive, on either side."""
    from scipy import optimize

    ends = []
    for limit in limits:
        inside = estimate + (limit - estimate) * 1e-9
        ends.append(float(optimize.brentq(excess, inside, limit)) if excess(limit) > 0 > excess(inside) else limit)
    return ends[0], ends[1]


def rank_correlation(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[float, Interval, tuple[float, float]] | None:
    """Return Spearman's rank correlation, its 95 % interval, and one-sided p values that it is above and below 0.

    The interval is that of Fisher's z with the variance of Bonett and Wright (2000). None with fewer than four values,
    or if one of the two does not vary.
    """
    if len(first) < 4 or not (np.ptp(first) > 0 and np.ptp(second) > 0):
        return None
    from scipy import stats

    result = stats.spearmanr(first, second)
    rho, p = float(result.statistic), float(result.pvalue)
    half = quantile(1 - LEVEL / 2) * math.sqrt((1 + rho**2 / 2) / (len(first) - 3))
    centre = math.atanh(min(1 - 1e-12, max(-1 + 1e-12, rho)))
    sides = (p / 2, 1 - p / 2) if rho > 0 else (1 - p / 2, p / 2)
    return rho, (math.tanh(centre - half), math.tanh(centre + half)), sides


def share(count: int, n: int, limit: float) -> tuple[float, Interval, tuple[float, float]]:
    """Return a share, its exact 95 % interval (Clopper and Pearson), and exact p values that it is above and below."""
    from scipy import stats

    above, below = (stats.binomtest(count, n, limit, alternative) for alternative in ("greater", "less"))
    ends = stats.binomtest(count, n).proportion_ci(1 - LEVEL, "exact")
    return count / n, (float(ends.low), float(ends.high)), (float(above.pvalue), float(below.pvalue))


def detectable_share(limit: float, n: int, level: float, *, above: bool, power: float) -> float | None:
    """Return the share that the exact test finds above or below a limit with this power; None if none is that far."""
    from scipy import stats

    counts = np.arange(n + 1)
    p_values = stats.binom.sf(counts - 1, n, limit) if above else stats.binom.cdf(counts, n, limit)
    significant = counts[p_values <= level]
    if not significant.size:
        return None
    if above:
        least = int(significant[0])
        return float(stats.beta.ppf(power, least, n - least + 1))
    most = int(significant[-1])
    return float(stats.beta.ppf(1 - power, most + 1, n - most))


def difference_of_shares(
    counts: tuple[int, int], totals: tuple[int, int]
) -> tuple[float, Interval, tuple[float, float]]:
    """Return the difference of two shares, its 95 % interval, and one-sided p values of Fisher's test.

    The interval is the tenth method of Newcombe (1998, Statistics in Medicine 17:873), from two intervals of Wilson.
    """
    from scipy import stats

    (a, b), (m, n) = counts, totals
    table = [[a, m - a], [b, n - b]]
    sides = tuple(float(stats.fisher_exact(table, alternative).pvalue) for alternative in ("greater", "less"))
    one, other = (stats.binomtest(k, of).proportion_ci(1 - LEVEL, "wilson") for k, of in ((a, m), (b, n)))
    p, q = a / m, b / n
    low = p - q - math.hypot(p - one.low, other.high - q)
    high = p - q + math.hypot(one.high - p, q - other.low)
    return p - q, (low, high), (sides[0], sides[1])


def ratio_interval(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> Interval:
    """Return the 95 % percentile bootstrap interval of sum(numerator) / sum(denominator), resampled together."""
    generator = np.random.default_rng(0)
    index = generator.integers(0, len(numerator), (RESAMPLES, len(numerator)))
    ratios = numerator[index].sum(axis=1) / denominator[index].sum(axis=1)
    low, high = np.quantile(ratios, (LEVEL / 2, 1 - LEVEL / 2))
    return float(low), float(high)


def mean_above_zero(values: NDArray[np.float64]) -> tuple[float, float] | None:
    """Return one-sided p values that a mean is above and below 0 (Student's t); None if the values do not vary."""
    if len(values) < 2 or not np.ptp(values) > 0:
        return None
    from scipy import stats

    above, below = (stats.ttest_1samp(values, 0.0, alternative=side).pvalue for side in ("greater", "less"))
    return float(above), float(below)
