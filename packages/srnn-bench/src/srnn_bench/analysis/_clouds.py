"""Is a cloud of neurons a random one? Its longest hole, and its distances, beside clouds without structure.

For Figure 4 of arXiv 2406.06290, which looks at persistence diagrams alone. A test's null hypothesis is a way to draw a
cloud: from the law that the embedding began with, or `permuted`, which keeps where neurons are along each axis.
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
    """A number of a cloud, and the same number of clouds of the null hypothesis.

    `above` and `below` are permutation p-values of one side, (1 + how many are as extreme) / (1 + how many there are).
    """

    observed: float
    null: tuple[float, ...]

    @property
    def above(self) -> float:
        """How likely a number as great is under the null hypothesis."""
        return (1 + sum(value >= self.observed for value in self.null)) / (1 + len(self.null))

    @property
    def below(self) -> float:
        """How likely a number as small is under the null hypothesis."""
        return (1 + sum(value <= self.observed for value in self.null)) / (1 + len(self.null))


def cloud_test(
    points: Tensor,
    draw: Callable[[torch.Generator], Tensor],
    statistic: Callable[[Tensor], float],
    *,
    repeats: int = 99,
    generator: torch.Generator,
) -> CloudTest:
    """Compare a cloud `(n, coordinates)` with clouds that `draw` makes, by a number of a cloud."""
    return CloudTest(statistic(points), tuple(statistic(draw(generator)) for _ in range(repeats)))


def longest_bar(manifold: Manifold, points: Tensor, *, dimension: int = 1, coeff: int = 2) -> float:
    """Return the length of the longest-lived hole of a dimension, in units of the root mean square distance.

    So a cloud that only grew or shrank has the number that it had before. 0 where there is no hole.
    """
    distances = manifold.pairwise(points.double())
    bars = persistence(distances, max_dimension=dimension, coeff=coeff).bars[dimension]
    finite = bars[torch.isfinite(bars[:, 1])]
    scale = float(distances[~torch.eye(len(points), dtype=torch.bool)].square().mean().sqrt())
    return float((finite[:, 1] - finite[:, 0]).max()) / scale if len(finite) and scale > 0 else 0.0


def largest_cluster(manifold: Manifold, points: Tensor, reach: float) -> Tensor:
    """Return which points, bool `(n,)`, belong to the largest set that steps of up to `reach` connect; ties: the first.

    Neurons that lost all their weights stay where they are, and a few of them, far from all others, can span a hole.
    """
    near = (manifold.pairwise(points) <= reach).cpu().numpy()
    _, of = connected_components(near, directed=False)
    return torch.from_numpy(of == np.bincount(of).argmax())


def on_ring(manifold: Manifold, points: Tensor, inhibitor: Inhibitor) -> float:
    """Return the share of pairs of neurons whose weight costs less than half of what one at distance 0 does."""
    rows, columns = torch.triu_indices(len(points), len(points), offset=1)
    costs = inhibitor(manifold.distance(points[rows], points[columns]))
    return float((costs < inhibitor(torch.zeros(())) / 2).double().mean())


def permuted(points: Tensor, generator: torch.Generator) -> Tensor:
    """Return the points `(n, coordinates)` with each coordinate in an order of its own.

    Any relation of the coordinates is gone; how each is distributed stays.
    """
    orders = [torch.randperm(len(points), generator=generator) for _ in range(points.shape[1])]
    return torch.stack([points[order, axis] for axis, order in enumerate(orders)], dim=1)


def mixed_rows(points: Tensor) -> Tensor:
    """Return the points `(n, coordinates)` as the rows of a file that holds them the other way round.

    The authors' code computes distances from a stored (n, coordinates) array read as (coordinates, n), without
    transposing it; a row of that array then holds coordinates of several neurons, along one axis or two.
    """
    return points.T.reshape(points.shape)
