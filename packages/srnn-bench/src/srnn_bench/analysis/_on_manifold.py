"""Weights on the manifold of their regularizer: do sizes follow costs? (Figure 3 of arXiv 2406.06290)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.stats import spearmanr  # type: ignore[import-untyped]
from torch import Tensor

from srnn_manifolds import Moduli

from .._errors import BenchError


@dataclass(frozen=True)
class PlacedWeights:
    """The weights of one gate, `(N, N)`, and their costs: what Figure 3 shows, and the numbers beside it.

    - `points` `(N, coordinates)`, `distances` and `costs` `(N, N)`, `sizes` `(N, N)` = |weight|, 0 if absent.
    - `out` `(N,)`: sizes of the weights out of `neuron`, min-max scaled to 0 to 1; all 0 if all are equal.
    - `rank_correlation`: Spearman's correlation of size and cost over all pairs: -1 if sizes fall strictly with costs,
      NaN if all sizes or all costs are equal.
    - `size_on_cheap`: share of the sum of sizes on cheap pairs, with costs below half the greatest; `cheap_pairs`:
      share of such pairs, the expected value for weights that are unrelated to costs.

    They are one value because one figure shows them all.
    """

    neuron: int
    points: Tensor
    distances: Tensor
    costs: Tensor
    sizes: Tensor
    out: Tensor
    rank_correlation: float
    size_on_cheap: float
    cheap_pairs: float

    def by_distance(self, bins: int = 60) -> tuple[Tensor, Tensor]:
        """Return the middles of bins of equal width, and the mean size per bin relative to the mean over all pairs."""
        edges = torch.linspace(0, float(self.distances.max()), bins + 1, dtype=torch.float64)
        number = torch.bucketize(self.distances.double().flatten(), edges[1:-1])
        sums = torch.zeros(bins, dtype=torch.float64).index_add_(0, number, self.sizes.double().flatten())
        counts = torch.bincount(number, minlength=bins)
        filled = counts > 0
        middles = (edges[1:] + edges[:-1]) / 2
        return middles[filled], sums[filled] / counts[filled] / self.sizes.double().mean()


def weights_on_manifold(weight: Tensor, points: Tensor, moduli: Moduli, *, neuron: int = 0) -> PlacedWeights:
    """Relate a recurrent weight `(N, N)`, row = target, to costs at the `points (N, coordinates)` of its neurons."""
    if weight.shape != (len(points), len(points)):
        raise BenchError(f"weight: expected shape ({len(points)}, {len(points)}), got {tuple(weight.shape)}")
    sizes = weight.detach().abs()
    distances = moduli.manifold.pairwise(points.detach())
    costs = moduli.coefficients(points.detach())
    cheap = costs < costs.max() / 2
    column = sizes[:, neuron]
    spread = column.max() - column.min()
    constant = bool((sizes == sizes[0, 0]).all()) or bool((costs == costs[0, 0]).all())
    return PlacedWeights(
        neuron=neuron,
        points=points.detach(),
        distances=distances,
        costs=costs,
        sizes=sizes,
        out=(column - column.min()) / spread if spread > 0 else torch.zeros_like(column),
        rank_correlation=float("nan") if constant else float(spearmanr(sizes.flatten(), costs.flatten()).statistic),
        size_on_cheap=float(sizes[cheap].double().sum() / sizes.double().sum()) if sizes.any() else float("nan"),
        cheap_pairs=float(cheap.double().mean()),
    )
