"""Weights on the manifold of their regularizer: does size follow cost? (Figure 3 of arXiv 2406.06290)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from scipy.stats import spearmanr  # type: ignore[import-untyped]
from torch import Tensor

from srnn_manifolds import Moduli


@dataclass(frozen=True)
class Placed:
    """The weights of one gate, `(N, N)`, and what they cost.

    - `points` `(N, coordinates)`, `distances` and `costs` `(N, N)`, `sizes` `(N, N)` = |weight|, 0 where it is absent.
    - `out` `(N,)`: sizes of the weights out of `neuron`, min-max scaled to 0 to 1; all 0 where all are equal.
    - `follows`: Spearman's rank correlation of size and cost over all pairs; -1 is perfect obedience, nan where all
      sizes are equal.
    - `cheap`: the share of the sum of sizes that lies on the cheap half, costs below half the greatest; `cheap_pairs`
      is the share of pairs that does, what weights that do not care would have.
    """

    neuron: int
    points: Tensor
    distances: Tensor
    costs: Tensor
    sizes: Tensor
    out: Tensor
    follows: float
    cheap: float
    cheap_pairs: float

    def by_distance(self, bins: int = 60) -> tuple[Tensor, Tensor]:
        """Return distances and the mean size there, relative to the mean over all pairs; bins of equal width."""
        edges = torch.linspace(0, float(self.distances.max()), bins + 1, dtype=torch.float64)
        place = torch.bucketize(self.distances.double().flatten(), edges[1:-1])
        sums = torch.zeros(bins, dtype=torch.float64).index_add_(0, place, self.sizes.double().flatten())
        counts = torch.bincount(place, minlength=bins)
        filled = counts > 0
        middles = (edges[1:] + edges[:-1]) / 2
        return middles[filled], sums[filled] / counts[filled] / self.sizes.double().mean()


def weights_on_manifold(weight: Tensor, points: Tensor, moduli: Moduli, *, neuron: int = 0) -> Placed:
    """Place a recurrent weight `(N, N)`, row = target, at the `points` `(N, coordinates)` of its neurons."""
    if weight.shape != (len(points), len(points)):
        raise ValueError(f"weight: expected shape ({len(points)}, {len(points)}), got {tuple(weight.shape)}")
    sizes = weight.detach().abs()
    distances = moduli.manifold.pairwise(points.detach())
    costs = moduli.coefficients(points.detach())
    cheap = costs < costs.max() / 2
    column = sizes[:, neuron]
    spread = column.max() - column.min()
    constant = bool((sizes == sizes[0, 0]).all()) or bool((costs == costs[0, 0]).all())
    return Placed(
        neuron=neuron,
        points=points.detach(),
        distances=distances,
        costs=costs,
        sizes=sizes,
        out=(column - column.min()) / spread if spread > 0 else torch.zeros_like(column),
        follows=float("nan") if constant else float(spearmanr(sizes.flatten(), costs.flatten()).statistic),
        cheap=float(sizes[cheap].double().sum() / sizes.double().sum()) if sizes.any() else float("nan"),
        cheap_pairs=float(cheap.double().mean()),
    )
