"""Tests of whether a cloud of neurons has structure: its longest hole and its distances, compared with random clouds.

For Figure 4 of arXiv 2406.06290, which shows persistence diagrams alone. A null hypothesis is a way to draw a cloud:
from the initial distribution of the embedding, or `permuted`, which keeps the distribution of each coordinate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]
from torch import Tensor

from srnn_manifolds import Inhibitor, Manifold, persistence


@dataclass(frozen=True)
class CloudTest:
    """A statistic of a cloud, and of the random clouds of a null hypothesis.

    `above` and `below` are one-sided permutation p-values, (1 + number as extreme) / (1 + number of clouds).
    """

    observed: float
    null: tuple[float, ...]

    @property
    def above(self) -> float:
        """p-value of a statistic at least as great."""
        return (1 + sum(value >= self.observed for value in self.null)) / (1 + len(self.null))

    @property
    def below(self) -> float:
        """p-value of a statistic at most as great."""
        return (1 + sum(value <= self.observed for value in self.null)) / (1 + len(self.null))


def cloud_test(
    points: Tensor,
    draw: Callable[[torch.Generator], Tensor],
    statistic: Callable[[Tensor], float],
    *,
    repeats: int = 99,
    generator: torch.Generator,
) -> CloudTest:
    """Compare a statistic of a cloud `(n, coordinates)` with that of `repeats` clouds from `draw`."""
    return CloudTest(statistic(points), tuple(statistic(draw(generator)) for _ in range(repeats)))


def longest_bar(manifold: Manifold, points: Tensor, *, dimension: int = 1, coeff: int = 2) -> float:
    """Return the length of the longest-lived hole of a dimension, in units of the root mean square distance.

    It is invariant to the scale of the cloud, and 0 without holes.
    """
    distances = manifold.pairwise(points.double())
    bars = persistence(distances, max_dimension=dimension, coeff=coeff).bars[dimension]
    finite = bars[torch.isfinite(bars[:, 1])]
    scale = float(distances[~torch.eye(len(points), dtype=torch.bool)].square().mean().sqrt())
    return float((finite[:, 1] - finite[:, 0]).max()) / scale if len(finite) and scale > 0 else 0.0


def largest_cluster(manifold: Manifold, points: Tensor, reach: float) -> Tensor:
    """Return which points, bool `(n,)`, are in the largest set connected by steps of at most `reach`; ties: the first.

    Neurons without weights do not move in training, and a few of them, far from all others, can span a hole.
    """
    near = (manifold.pairwise(points) <= reach).cpu().numpy()
    _, labels = connected_components(near, directed=False)
    return torch.from_numpy(labels == np.bincount(labels).argmax())


def share_on_ring(manifold: Manifold, points: Tensor, inhibitor: Inhibitor) -> float:
    """Return the share of pairs of neurons that cost less than half of the cost at distance 0."""
    rows, columns = torch.triu_indices(len(points), len(points), offset=1)
    costs = inhibitor(manifold.distance(points[rows], points[columns]))
    return float((costs < inhibitor(torch.zeros(())) / 2).double().mean())


def permuted(points: Tensor, generator: torch.Generator) -> Tensor:
    """Return the points `(n, coordinates)` with each coordinate permuted independently.

    This removes any relation of the coordinates and keeps the distribution of each.
    """
    orders = [torch.randperm(len(points), generator=generator) for _ in range(points.shape[1])]
    return torch.stack([points[order, axis] for axis, order in enumerate(orders)], dim=1)


def mixed_rows(points: Tensor) -> Tensor:
    """Return the points `(n, coordinates)` as the authors' code misreads them.

    It computes distances from a stored (n, coordinates) array read as (coordinates, n) without transposing; a row of
    that array holds coordinates of several neurons, along one axis or two.
    """
    return points.T.reshape(points.shape)
