"""Moduli regularization (arXiv 2406.06290, eq. 5): neurons live on a manifold, distance sets what a weight costs."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from ._inhibitors import AnyInhibitor, DifferenceOfGaussians
from ._penalty import Penalty
from ._product import AnyManifold
from ._torus import Torus
from ._value import Value


class Moduli(Value):
    """R = reduction over j, k of f(d(i(j), i(k))) |w_jk|^power: neuron j sits at i(j), a random point of the manifold.

    - `reduction`: "mean" over all entries, as the authors' code, or "sum" as eq. 5. They agree if lambda_sum =
      lambda_mean / entries; the published runs used lambda = 0.1 with the mean.
    - `offset`: "analytic" takes the inhibitor as it is; "empirical" subtracts from the coefficients of each gate the
      smallest of them, so that the cheapest pair that was drawn costs nothing. For the difference of Gaussians g that
      is max(g) - g over the drawn matrix, the authors' "invert": (ceiling - g) - min(ceiling - g) = max(g) - g,
      whatever the ceiling.
    - `power`, the paper's l, is 1 in all its runs; at least 1, so that the gradient is finite at weights of 0.

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

    def build(self, neurons: int, *, gates: int = 1, generator: torch.Generator) -> Penalty:
        """The penalty of one recurrent weight `(gates * neurons, neurons)`, on `generator.device`.

        Gates are stacked as in torch, rows g N to (g + 1) N, and each draws an embedding of its own, one after the
        other. Every parameter needs a build of its own. Rows are targets and columns sources; the coefficients of a
        gate are symmetric.
        """
        check_size(neurons, gates)
        points = torch.stack([self.manifold.sample(neurons, generator=generator) for _ in range(gates)])
        # One gate after the other: temporaries stay as small as for one.
        coefficients = torch.cat([self.coefficients(embedding) for embedding in points])  # (gates * N, N)
        if not torch.isfinite(coefficients).all():
            raise ValueError(f"coefficients: expected finite numbers, got inf or nan from {self!r}")
        return Penalty(coefficients, points=points, reduction=self.reduction, power=self.power)

    def coefficients(self, points: Tensor) -> Tensor:
        """The coefficients `(..., N, N)` of neurons at `points` `(..., N, coordinates)`, with finite gradients."""
        costs = self.inhibitor(self.manifold.pairwise(points))
        return costs if self.offset == "analytic" else costs - costs.amin(dim=(-2, -1), keepdim=True)


def check_size(neurons: int, gates: int) -> None:
    """Raise a ValueError unless there is at least one neuron and one gate."""
    for name, count in (("neurons", neurons), ("gates", gates)):
        if count < 1:
            raise ValueError(f"{name}: expected at least 1, got {count}")
