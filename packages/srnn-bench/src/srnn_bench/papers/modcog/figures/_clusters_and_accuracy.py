"""Caption of Figure 7 of arXiv 2207.03523: do better networks have fewer clusters?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

from scipy.stats import permutation_test, spearmanr  # type: ignore[import-untyped]

from ....drawing import significant
from ....tables import LEVEL

FEWEST = 5  # networks: their 120 orders can give a p below the level


def clusters_and_accuracy(battery: Mapping[str, Sequence[tuple[float, int]]]) -> str:
    """Return the verdict on whether more accurate networks have fewer clusters, in words.

    battery: decision accuracy and number of clusters of the runs of each network. A network is one point, the mean of
    its runs, because runs of one network are not independent of each other; p is that of all orders of the points.
    """
    counts_by_row = []
    for row, runs in battery.items():
        counts = [count for _, count in runs]
        spread = f" ± {stdev(counts):.1f}" if len(counts) > 1 else ""
        counts_by_row.append(f"{row} {fmean(counts):.1f}{spread} ({len(counts)})")
    means = {row: [fmean(values) for values in zip(*runs, strict=True)] for row, runs in battery.items()}
    accuracies, numbers = zip(*means.values(), strict=True)
    text = (
        '"The more optimal locality masked networks discover a lower, more appropriate number of clusters" (caption of '
        f"Figure 7). Clusters: {', '.join(counts_by_row)}; the most accurate is "
        f"{max(means, key=lambda row: means[row][0])}. "
    )
    if len(means) < FEWEST or len(set(numbers)) == 1 or len(set(accuracies)) == 1:
        return text + "Too few different networks for a test."
    test = permutation_test(
        (accuracies,),
        lambda order: spearmanr(order, numbers).statistic,
        permutation_type="pairings",
        n_resamples=10_000,
        rng=0,
    )
    rho, p = float(test.statistic), float(test.pvalue)
    verdict = ("supported" if rho < 0 else "contradicted") if p < LEVEL else "undecided"
    return (
        f"{text}Rank correlation of decision accuracy and number of clusters over {len(means)} networks: {rho:.2f}, "
        f"p = {significant(p, 2)}: {verdict}."
    )
