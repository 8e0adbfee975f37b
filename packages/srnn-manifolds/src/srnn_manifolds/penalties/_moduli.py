"""Moduli regularization (arXiv 2406.06290, eq. 5): neurons are points of a manifold, and distance sets the cost."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from .._errors import ManifoldError
from .._inhibitors import AnyInhibitor, DifferenceOfGaussians
from .._value import Value
from ..manifolds import AnyManifold, Torus
from ._edges import EdgePenalty, check_indices
from ._penalty import Penalty


class Moduli(Value):
    """R = reduction over j, k of f(d(i(j), i(k))) |w_jk|^power, where i(j) is the random point of neuron j.

    - `reduction`: "mean" over all entries, as in the authors' code, or "sum" as in eq. 5. They agree if lambda_sum =
      lambda_mean / entries; the published runs used lambda = 0.1 with the mean.
    - `offset`: "analytic" uses the inhibitor as it is; "empirical" subtracts the smallest coefficient of each gate, so
      that the cheapest drawn pair costs 0. For the difference of Gaussians g this is max(g) - g over the drawn matrix,
      the authors' "invert": (ceiling - g) - min(ceiling - g) = max(g) - g, for any ceiling.
    - `power`, the paper's l, is 1 in all its runs. It is at least 1, so that the gradient is finite at weights of 0.

    >>> g = torch.Generator().manual_seed(0)
    >>> penalty = Moduli(manifold=Torus(), inhibitor=DifferenceOfGaussians()).build(neurons=100, gates=3, generator=g)
    >>> tuple(penalty.points.shape), tuple(penalty.coefficients.shape)
    ((3, 100, 2), (300, 100))
    >>> penalty(torch.nn.GRU(2, 100).weight_hh_l0).shape
    torch.Size([])
    """

    kind: Literal["moduli"] = "moduli"
    manifold: AnyManifold = Torus()
    inhibitor: AnyInhibitor = DifferenceOfGaussians()
    reduction: Literal["mean", "sum"] = "mean"
    offset: Literal["analytic", "empirical"] = "analytic"
    power: Annotated[float, Field(ge=1)] = 1.0

    def build(self, neurons: int, *, gates: int = 1, sources: int | None = None, generator: torch.Generator) -> Penalty:
        """Draw the points of one weight `(gates * neurons, neurons)`, and return its penalty on `generator.device`.

        Gates are stacked as in torch, rows g N to (g + 1) N, and each draws its own embedding, in order. Build one
        penalty per parameter. Rows are targets and columns sources; the coefficients of a gate are symmetric.

        With `sources` the weight is `(gates * neurons, sources)`, e.g. an input or a readout matrix: the columns are
        another population, and each gate draws its points after those of the neurons.

        Raises ManifoldError for a size below 1, a missing generator, or coefficients that are not finite.
        """
        points, source_points = self.draw(neurons, gates=gates, sources=sources, generator=generator)
        # gate by gate, so that temporaries stay as small as for one gate
        columns = [None] * gates if source_points is None else source_points
        blocks = [self.coefficients(*pair) for pair in zip(points, columns, strict=True)]
        coefficients = _finite(torch.cat(blocks), self)  # (gates * N, cols)
        return Penalty(
            coefficients, points=points, source_points=source_points, reduction=self.reduction, power=self.power
        )

    def build_edges(self, indices: Tensor, neurons: int, *, gates: int = 1, generator: torch.Generator) -> EdgePenalty:
        """Return the penalty of the edges `indices` of a weight `(gates * neurons, neurons)`, in O(E) time and memory.

        `indices` is int64 `(2, E)`, (target, source), equal to `mask.nonzero().T`. With the same generator, the points
        and the penalty equal those of `build` for a weight that is 0 at all other entries: the mean is over all
        entries, not over the edges.

        Raises ManifoldError as `build` does, for wrong indices, and for `offset="empirical"`.
        """
        points, _ = self.draw(neurons, gates=gates, generator=generator)  # (gates, N, coordinates)
        check_indices(indices, gates * neurons, neurons)
        target, source = indices
        # number the neurons of all gates consecutively; a source belongs to the gate of its target
        source = torch.div(target, neurons, rounding_mode="floor") * neurons + source
        coefficients = _finite(self.on_edges(points.flatten(0, 1), torch.stack([target, source])), self)
        return EdgePenalty(
            coefficients,
            entries=gates * neurons * neurons,
            points=points,
            reduction=self.reduction,
            power=self.power,
        )

    def coefficients(self, points: Tensor, source_points: Tensor | None = None) -> Tensor:
        """Return coefficients `(..., N, N)` of neurons at `points` `(..., N, coordinates)`, with finite gradients.

        With `source_points` `(..., S, coordinates)`, those of weights from the sources to the neurons, `(..., N, S)`.
        """
        if source_points is None:
            costs = self.inhibitor(self.manifold.pairwise(points))
        else:
            costs = self.inhibitor(self.manifold.cross(points, source_points))
        return costs if self.offset == "analytic" else costs - costs.amin(dim=(-2, -1), keepdim=True)

    def on_edges(self, points: Tensor, indices: Tensor) -> Tensor:
        """Return coefficients `(E,)` of the edges `indices` among neurons at `points` `(N, coordinates)`.

        `indices` is int64 `(2, E)`, (target, source), on the device of `points`. Takes O(E) time and memory, and is
        differentiable. `offset` must be "analytic", else ManifoldError is raised: the cheapest pair need not be an
        edge, and finding it would take all N^2 pairs.
        """
        if self.offset == "empirical":
            raise ManifoldError(
                "offset: expected 'analytic' for a list of edges, got 'empirical', which subtracts the minimum over "
                "all N^2 pairs and so cannot be computed in O(E)"
            )
        if points.ndim != 2:
            raise ManifoldError(f"points: expected shape (N, {self.manifold.coordinates}), got {tuple(points.shape)}")
        check_indices(indices, len(points), len(points))
        costs: Tensor = self.inhibitor(self.manifold.distance(points[indices[0]], points[indices[1]]))
        return costs

    def draw(
        self, neurons: int, *, gates: int = 1, sources: int | None = None, generator: torch.Generator
    ) -> tuple[Tensor, Tensor | None]:
        """Return the points that `build` draws, `(gates, neurons, coordinates)`, and those of `sources` or None."""
        check_size(neurons, gates, sources)
        populations = [neurons] if sources is None else [neurons, sources]
        embeddings = [[self.manifold.sample(n, generator=generator) for n in populations] for _ in range(gates)]
        points, *source_points = (torch.stack(population) for population in zip(*embeddings, strict=True))
        return points, source_points[0] if source_points else None


def check_size(neurons: int, gates: int, sources: int | None = None) -> None:
    """Raise ManifoldError unless there is at least one neuron, one gate and, if not None, one source."""
    for name, count in (("neurons", neurons), ("gates", gates), ("sources", sources)):
        if count is not None and count < 1:
            raise ManifoldError(f"{name}: expected at least 1, got {count}")


def _finite(coefficients: Tensor, value: Moduli) -> Tensor:
    if not torch.isfinite(coefficients).all():
        raise ManifoldError(f"coefficients: expected finite numbers, got inf or nan from {value!r}")
    return coefficients
