"""Products of manifolds, and the union of all manifolds."""

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from ._euclidean import Euclidean
from ._klein_bottle import KleinBottle
from ._manifold import Manifold, check_draw, check_points, norm
from ._sphere import Circle, Sphere
from ._torus import Torus


class Product(Manifold):
    """The product of manifolds, e.g. the authors' S^2 x T^2: d^2 is the sum of the factors' d^2.

    The coordinates of a point are those of the factors, concatenated. A product can itself be a factor.

    >>> mixed = Product(factors=(Sphere(), Torus()))
    >>> mixed.dim, mixed.coordinates, round(mixed.diameter, 4)
    (4, 5, 17.2261)
    """

    kind: Literal["product"] = "product"
    factors: Annotated[tuple["AnyManifold", ...], Field(min_length=1)]

    @property
    def dim(self) -> int:
        """Sum of the factors' dimensions."""
        return sum(factor.dim for factor in self.factors)

    @property
    def coordinates(self) -> int:
        """Sum of the factors' coordinates."""
        return sum(factor.coordinates for factor in self.factors)

    @property
    def diameter(self) -> float:
        """Square root of the sum of the factors' squared diameters."""
        return math.hypot(*(factor.diameter for factor in self.factors))

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw `n` independent points `(n, coordinates)`, factor by factor, float32, on `generator.device`."""
        check_draw(n, generator)
        return torch.cat([factor.sample(n, generator=generator) for factor in self.factors], dim=-1)

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Return distances `(...)` between `a` and `b`, both `(..., coordinates)`; factors should share a unit."""
        check_points(self, a, "a")
        check_points(self, b, "b")
        parts = zip(self.factors, self._split(a), self._split(b), strict=True)
        distances = torch.stack([factor.distance(x, y) for factor, x, y in parts], dim=-1)  # (..., factors)
        return norm(distances)

    def retract(self, points: Tensor) -> Tensor:
        """Return the points `(..., coordinates)`, each factor's part retracted by that factor."""
        check_points(self, points, "points")
        parts = zip(self.factors, self._split(points), strict=True)
        return torch.cat([factor.retract(x) for factor, x in parts], dim=-1)

    def tangent(self, points: Tensor, vectors: Tensor) -> Tensor:
        """Return the tangent part of `vectors` at `points`, both `(..., coordinates)`, factor by factor."""
        check_points(self, points, "points")
        check_points(self, vectors, "vectors")
        parts = zip(self.factors, self._split(points), self._split(vectors), strict=True)
        return torch.cat([factor.tangent(x, v) for factor, x, v in parts], dim=-1)

    def _split(self, points: Tensor) -> tuple[Tensor, ...]:
        return torch.split(points, [factor.coordinates for factor in self.factors], dim=-1)


AnyManifold = Annotated[
    Circle | Sphere | Torus | KleinBottle | Euclidean | Product,
    Field(discriminator="kind"),
]
"""Any manifold, discriminated by `kind`."""

Product.model_rebuild()
