"""Clusters of units by task variance: Ward linkage, cut at the best silhouette (arXiv 2207.03523, appendix B)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage  # type: ignore[import-untyped]
from scipy.spatial.distance import pdist, squareform  # type: ignore[import-untyped]
from torch import Tensor

from .._errors import BenchError

Grid = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Clustering:
    """The cut of a linkage tree with the best mean silhouette; in a tie, the one with fewest clusters.

    - `labels` int64 `(N,)`, from 0; clusters are numbered by the task in which they vary most, then along the tree.
    - `silhouettes`: mean silhouette of every cut, by its number of clusters `k`.
    - `linkage` float64 `(N - 1, 4)`: the tree in scipy's format.
    """

    labels: Tensor
    k: int
    silhouettes: dict[int, float]
    linkage: Tensor

    @property
    def silhouette(self) -> float:
        """Mean silhouette of this cut."""
        return self.silhouettes[self.k]

    @property
    def sizes(self) -> Tensor:
        """Number of units per cluster, int64 `(k,)`."""
        return self.labels.bincount(minlength=self.k)

    @property
    def order(self) -> Tensor:
        """Units by cluster, within a cluster in the order of the tree's leaves, int64 `(N,)`."""
        leaves = torch.from_numpy(leaves_list(self.linkage.numpy()).astype(np.int64))
        return leaves[self.labels[leaves].argsort(stable=True)]


def clusters(points: Tensor) -> Clustering:
    """Cluster units by their `normalised` task variances `(N, tasks)`, with Euclidean distances and Ward linkage.

    All cuts from 2 to N - 1 clusters are tried, as in the paper, which names scipy's linkage but not its method.

    Silhouettes are Rousseeuw's (1987): (b - a) / max(a, b), a the mean distance to the rest of a unit's cluster, b the
    least mean distance to another cluster; 0 for a cluster of one unit, and if a = b = 0.
    """
    if points.ndim != 2 or len(points) < 3:
        raise BenchError(f"points: expected shape (N, tasks) with 3 units or more, got {tuple(points.shape)}")
    if not points.isfinite().all():
        raise BenchError(f"points: expected finite numbers, got {int((~points.isfinite()).sum())} that are not")
    variances = points.detach().cpu().double().numpy()
    distances = pdist(variances)
    tree = linkage(distances, method="ward")  # the same tree as from coordinates
    silhouettes = _silhouettes(squareform(distances), tree)
    k = max(silhouettes, key=lambda k: (silhouettes[k], -k))
    labels = torch.from_numpy(_by_preference(cut(tree, k), variances, leaves_list(tree)))
    return Clustering(labels, k, silhouettes, torch.from_numpy(tree))


def cut(tree: Grid, k: int) -> NDArray[np.int64]:
    """Return the cluster of each unit `(N,)`, from 0, in the tree without its last k - 1 merges.

    Merges of equal height are undone in scipy's order, so every k has a cut (scipy's `fcluster` gives fewer clusters).
    """
    units = len(tree) + 1
    labels = np.arange(2 * units - 1)
    for merge in range(units - k - 1, -1, -1):  # from the last merge down: its two parts take its number
        labels[tree[merge, :2].astype(np.int64)] = labels[units + merge]
    return np.unique(labels[:units], return_inverse=True)[1].astype(np.int64)


def _silhouettes(distances: Grid, tree: Grid) -> dict[int, float]:
    """Return the mean silhouette of the cuts from N - 1 down to 2 clusters, by the number of clusters.

    `sums[c, i]` is the sum of distances of unit i to cluster c; a merge adds two of its rows. The mean distance to the
    merged cluster lies between those to its parts, so the nearest other cluster of a unit changes only if it was one of
    them.
    """
    units = len(distances)
    sums, sizes = distances.copy(), np.ones(units)
    own, node = np.arange(units), np.arange(units)  # the row of sums of each unit; the node of the tree of each row
    row = np.arange(2 * units - 1)  # the row of each node
    nearest, gap = _nearest(sums, sizes, own, own)
    scores = {}
    for merge, (left, right) in enumerate(tree[:-1, :2].astype(np.int64)):
        k = units - merge - 1
        into, gone = sorted((row[left], row[right]))
        which = np.isin(nearest, (into, gone)).nonzero()[0]
        sums[into] += sums[gone]
        sizes[into] += sizes[gone]
        own[own == gone] = into
        if gone != k:  # the last row moves up, so that the first k rows are the present clusters
            sums[gone], sizes[gone] = sums[k], sizes[k]
            own[own == k], nearest[nearest == k] = gone, gone
            node[gone], row[node[k]] = node[k], gone
        node[into], row[units + merge] = units + merge, into
        nearest[which], gap[which] = _nearest(sums[:k], sizes[:k], own[which], which)
        scores[k] = _mean_silhouette(sums[own, np.arange(units)], sizes[own], gap)
    return scores


def _nearest(sums: Grid, sizes: Grid, own: Any, which: Any) -> tuple[Any, Any]:
    """Return the nearest other cluster of some units, and the mean distance to it."""
    means = sums[:, which] / sizes[:, None]  # (k, units)
    means[own, np.arange(len(which))] = np.inf
    nearest = means.argmin(axis=0)
    return nearest, means[nearest, np.arange(len(which))]


def _mean_silhouette(inside: Grid, sizes: Grid, gap: Grid) -> float:
    """Return the mean silhouette, from sums of distances to the own cluster, its size, and the least other mean."""
    own = inside / np.maximum(sizes - 1, 1)
    greater = np.maximum(own, gap)
    scores = np.divide(gap - own, greater, out=np.zeros_like(gap), where=(greater > 0) & (sizes > 1))
    return float(scores.mean())


def _by_preference(labels: NDArray[np.int64], points: Grid, leaves: Any) -> NDArray[np.int64]:
    """Number clusters by the task with the greatest sum of variances, then by their position in the tree."""
    numbers = range(labels.max() + 1)
    preferred = [int(points[labels == number].sum(axis=0).argmax()) for number in numbers]
    position = [int(np.flatnonzero(labels[leaves] == number)[0]) for number in numbers]
    order = sorted(numbers, key=lambda number: (preferred[number], position[number]))
    return np.argsort(order)[labels].astype(np.int64)
