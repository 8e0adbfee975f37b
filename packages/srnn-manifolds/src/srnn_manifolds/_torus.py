"""The flat torus R^dim / (period Z)^dim (arXiv 2406.06290, appendix D)."""

import math
from typing import Annotated, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from ._manifold import Manifold, check_draw, check_points, norm


class Torus(Manifold):
    """The flat torus: a box of side `period` whose opposite faces are glued. `dim=6` gives the 6-torus of the paper.

    Any real coordinates name a point; adding a multiple of `period` to one of them does not change it.

    >>> a, b = torch.tensor([0.5, 1.0]), torch.tensor([9.5, 1.0])
    >>> Torus(period=10).distance(a, b).item()
    1.0
    """

    kind: Literal["torus"] = "torus"
    dim: PositiveInt = 2
    period: Annotated[float, Field(gt=0)] = 10.0

    @property
    def coordinates(self) -> int:
        """As many as dimensions."""
        return self.dim

    @property
    def diameter(self) -> float:
        """Half the diagonal of the box."""
        return self.period / 2 * math.sqrt(self.dim)

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """`n` independent points `(n, dim)`, uniform in `[0, period]^dim`, float32, on `generator.device`."""
        check_draw(n, generator)
        return self.period * torch.rand(n, self.dim, generator=generator, device=generator.device, dtype=torch.float32)

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances `(...)` between points `a` and `b`, both `(..., dim)`, in the unit of `period`."""
        check_points(self, a, "a")
        check_points(self, b, "b")
        return norm(round_trip(a - b, self.period))

    def retract(self, points: Tensor) -> Tensor:
        """The points `(..., dim)` wrapped into `[0, period)^dim`."""
        check_points(self, points, "points")
        return wrap(points, self.period)


def round_trip(delta: Tensor, period: float) -> Tensor:
    """The distance of each number from the nearest multiple of `period`: the shorter way round a circle."""
    rest = torch.remainder(delta.abs(), period)  # of |delta|, so that a and b may change places without changing a bit
    return torch.minimum(rest, period - rest)


def wrap(values: Tensor, period: float) -> Tensor:
    """The numbers moved by multiples of `period` into `[0, period)`."""
    # Twice: the remainder of a tiny negative number is `period` itself after rounding.
    return torch.remainder(torch.remainder(values, period), period)
