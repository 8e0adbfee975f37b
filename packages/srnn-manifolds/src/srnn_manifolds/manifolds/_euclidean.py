"""Euclidean space R^dim and distributions of points in it (arXiv 2406.06290, appendix H)."""

import math
from typing import Annotated, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from .._value import Value
from ._manifold import Manifold, check_draw, check_points, norm


class Uniform(Value):
    """Points uniform in the cube [0, side]^dim; the paper's R^3 has side 10."""

    kind: Literal["uniform"] = "uniform"
    side: Annotated[float, Field(gt=0)] = 10.0


class Normal(Value):
    """Points normal around the origin; `scale` is the standard deviation of each coordinate.

    The authors' code uses 1 (navigation) and 10 (adding).
    """

    kind: Literal["normal"] = "normal"
    scale: Annotated[float, Field(gt=0)] = 1.0


AnySampling = Annotated[Uniform | Normal, Field(discriminator="kind")]


class Euclidean(Manifold):
    """Euclidean space R^dim. It has no uniform distribution, so `sampling` sets the distribution of points.

    >>> g = torch.Generator().manual_seed(0)
    >>> tuple(Euclidean(dim=3, sampling=Normal(scale=1)).sample(5, generator=g).shape)
    (5, 3)
    """

    kind: Literal["euclidean"] = "euclidean"
    dim: PositiveInt = 3
    sampling: AnySampling = Uniform()

    @property
    def coordinates(self) -> int:
        """Equal to `dim`."""
        return self.dim

    @property
    def diameter(self) -> float:
        """Infinite, for every sampling."""
        return math.inf

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw `n` independent points `(n, dim)` from `sampling`, float32, on `generator.device`."""
        check_draw(n, generator)
        device, dtype = generator.device, torch.float32
        match self.sampling:
            case Uniform(side=side):
                return side * torch.rand(n, self.dim, generator=generator, device=device, dtype=dtype)
            case Normal(scale=scale):
                return scale * torch.randn(n, self.dim, generator=generator, device=device, dtype=dtype)

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Return distances `(...)` between points `a` and `b`, both `(..., dim)`, in the unit of the points."""
        check_points(self, a, "a")
        check_points(self, b, "b")
        return norm(a - b)

    def retract(self, points: Tensor) -> Tensor:
        """Return the points `(..., dim)` unchanged."""
        check_points(self, points, "points")
        return points
