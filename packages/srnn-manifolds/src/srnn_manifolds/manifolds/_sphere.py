"""Circle and spheres (arXiv 2406.06290, appendix D), with arc or chord length as distance.

The arc between unit vectors u and v is 2 atan2(|u - v|, |u + v|) (Kahan). In float32 it is accurate to about 1e-7 of
the radius near the diagonal and near antipodes, where arccos(u.v) is off by 3e-4, and its gradient is finite at both.
"""

import math
from typing import Annotated, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from ._manifold import Manifold, check_draw, check_points, norm

Metric = Literal["geodesic", "chordal"]


class RoundManifold(Manifold):
    """Base of circle and spheres: a point is a unit vector, and the radius scales the distance."""

    radius: Annotated[float, Field(gt=0)] = 5.0
    metric: Literal["geodesic", "chordal"] = "geodesic"

    @property
    def diameter(self) -> float:
        """Distance of antipodes: pi (geodesic) or 2 (chordal) times the radius."""
        return self.radius * (math.pi if self.metric == "geodesic" else 2.0)

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw `n` independent points `(n, dim + 1)`, uniform on the sphere, float32, on `generator.device`."""
        check_draw(n, generator)
        return unit_vectors(n, self.coordinates, generator)

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Return distances `(...)` between unit vectors `a` and `b`, both `(..., dim + 1)`, in the unit of `radius`."""
        check_points(self, a, "a")
        check_points(self, b, "b")
        return self.radius * separation(a, b, self.metric)

    def retract(self, points: Tensor) -> Tensor:
        """Return the points `(..., dim + 1)` divided by their length; the origin maps to the first unit vector.

        A point that has a NaN or infinite coordinate becomes NaN.
        """
        check_points(self, points, "points")
        return normalize(points)

    def tangent(self, points: Tensor, vectors: Tensor) -> Tensor:
        """Return the part of `vectors` orthogonal to `points`, both `(..., dim + 1)`."""
        check_points(self, points, "points")
        check_points(self, vectors, "vectors")
        outward = normalize(points)
        return vectors - (vectors * outward).sum(dim=-1, keepdim=True) * outward


class Circle(RoundManifold):
    """A circle of a given radius. A point is a unit vector of the plane; the radius scales the distance.

    `metric` is "geodesic", the length of the arc, or "chordal", the length of the straight line.

    >>> circle = Circle(radius=5)
    >>> east, north = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    >>> round(circle.distance(east, north).item(), 4)
    7.854
    >>> round(Circle(radius=5, metric="chordal").distance(east, north).item(), 4)
    7.0711
    """

    kind: Literal["circle"] = "circle"

    @property
    def dim(self) -> int:
        """Always 1."""
        return 1

    @property
    def coordinates(self) -> int:
        """Always 2: a point is a unit vector `(x, y)`."""
        return 2


class Sphere(RoundManifold):
    """The sphere S^dim of a given radius. A point is a unit vector of R^(dim + 1); the radius scales the distance.

    `dim` is the dimension of the surface: 2 for the surface of a ball, 3 for the S^3 of the paper's appendix H.
    `metric` is "geodesic", the length of the arc of a great circle, or "chordal", the length of the straight line.

    >>> points = Sphere(dim=3).sample(6, generator=torch.Generator().manual_seed(0))
    >>> tuple(points.shape), round(Sphere(dim=3).diameter, 4)
    ((6, 4), 15.708)
    """

    kind: Literal["sphere"] = "sphere"
    dim: PositiveInt = 2

    @property
    def coordinates(self) -> int:
        """`dim + 1`: a point is a unit vector of R^(dim + 1)."""
        return self.dim + 1


def separation(a: Tensor, b: Tensor, metric: Metric) -> Tensor:
    """Return distances `(...)` of unit vectors on the unit sphere: angles in radians (geodesic), or chords."""
    chord = norm(a - b)
    if metric == "chordal":
        return chord
    return 2.0 * torch.atan2(chord, norm(a + b))


def unit_vectors(n: int, coordinates: int, generator: torch.Generator) -> Tensor:
    """Draw unit vectors `(n, coordinates)` of uniform direction."""
    return normalize(torch.randn(n, coordinates, generator=generator, device=generator.device, dtype=torch.float32))


def normalize(points: Tensor) -> Tensor:
    """Return the points `(..., coordinates)` divided by their length; the origin maps to the first unit vector.

    A point that has a NaN or infinite coordinate becomes NaN.
    """
    largest = points.detach().abs().amax(dim=-1, keepdim=True)  # (..., 1)
    # Far from 1, squares would overflow or vanish, so the point is first divided by its largest coordinate.
    limits = torch.finfo(points.dtype)
    ordinary = (largest > math.sqrt(limits.tiny / limits.eps)) & (largest < math.sqrt(limits.max / points.shape[-1]))
    origin = largest == 0
    scaled = points / torch.where(ordinary | origin, 1.0, largest)
    pole = torch.zeros_like(points)
    pole[..., 0] = 1.0
    length = norm(scaled).unsqueeze(-1)  # (..., 1)
    return torch.where(origin, pole, scaled / torch.where(origin, 1.0, length))
