"""The flat torus R^dim / (period Z)^dim (arXiv 2406.06290, appendix D)."""

import math
from typing import Annotated, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from ._manifold import Manifold, check_draw, check_points, norm


class Torus(Manifold):
    """The flat torus: a box of side `period` whose opposite faces are identified. `dim=6` gives the paper's 6-torus.

    All real coordinates are valid; adding a multiple of `period` to one of them gives the same point.

    >>> a, b = torch.tensor([0.5, 1.0]), torch.tensor([9.5, 1.0])
    >>> Torus(period=10).distance(a, b).item()
    1.0
    """

    kind: Literal["torus"] = "torus"
    dim: PositiveInt = 2
    period: Annotated[float, Field(gt=0)] = 10.0

    @property
    def coordinates(self) -> int:
        """Equal to `dim`."""
        return self.dim

    @property
    def diameter(self) -> float:
        """Half the diagonal of the box."""
        return self.period / 2 * math.sqrt(self.dim)

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw `n` independent points `(n, dim)`, uniform in `[0, period]^dim`, float32, on `generator.device`."""
        check_draw(n, generator)
        return self.period * torch.rand(n, self.dim, generator=generator, device=generator.device, dtype=torch.float32)

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Return distances `(...)` between points `a` and `b`, both `(..., dim)`, in the unit of `period`."""
        check_points(self, a, "a")
        check_points(self, b, "b")
        return norm(round_trip(a - b, self.period))

    def retract(self, points: Tensor) -> Tensor:
        """Return the points `(..., dim)` wrapped into `[0, period)^dim`."""
        check_points(self, points, "points")
        return wrap(points, self.period)


def round_trip(delta: Tensor, period: float) -> Tensor:
    """Return the distance of each number to the nearest multiple of `period`: the shorter way around a circle."""
    forward = torch.remainder(delta.abs(), period)  # of |delta|, so that swapping a and b changes no bit
    return torch.minimum(forward, period - forward)


def wrap(values: Tensor, period: float) -> Tensor:
    """Return the numbers moved by multiples of `period` into `[0, period)`."""
    # Twice, because the remainder of a tiny negative number rounds to `period` itself.
    return torch.remainder(torch.remainder(values, period), period)
