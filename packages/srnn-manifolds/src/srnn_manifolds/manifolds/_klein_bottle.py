"""The flat Klein bottle (arXiv 2406.06290, appendix D)."""

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from ._manifold import Manifold, check_draw, check_points, norm
from ._torus import round_trip, wrap


class KleinBottle(Manifold):
    """The flat Klein bottle: a square of side `period` with (x, 0) ~ (x, period), (0, y) ~ (period, period - y).

    All real coordinates are valid: (x, y) ~ (x, y + period) ~ (x + period, period - y) on the whole plane.

    >>> a, b = torch.tensor([0.0, 2.0]), torch.tensor([10.0, 8.0])
    >>> KleinBottle(period=10).distance(a, b).item()
    0.0
    """

    kind: Literal["klein_bottle"] = "klein_bottle"
    period: Annotated[float, Field(gt=0)] = 10.0

    @property
    def dim(self) -> int:
        """Always 2."""
        return 2

    @property
    def coordinates(self) -> int:
        """Always 2: a point is `(x, y)`, and moving along x by `period` mirrors y."""
        return 2

    @property
    def diameter(self) -> float:
        """Half the diagonal of the square: the distance from (0, period / 2) to (period / 2, 0)."""
        return self.period / math.sqrt(2)

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw `n` independent points `(n, 2)`, uniform in `[0, period]^2`, float32, on `generator.device`."""
        check_draw(n, generator)
        return self.period * torch.rand(n, 2, generator=generator, device=generator.device, dtype=torch.float32)

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Return distances `(...)` between points `a` and `b`, both `(..., 2)`, in the unit of `period`.

        The shorter of two paths: D = |x_a - x_b| along x with y unchanged, or period - D across the seam, y mirrored.
        """
        check_points(self, a, "a")
        check_points(self, b, "b")
        x_a, y_a = self._into_strip(a)
        x_b, y_b = self._into_strip(b)
        along = (x_a - x_b).abs()
        inside = torch.stack([along, round_trip(y_a - y_b, self.period)], dim=-1)  # (..., 2)
        across = torch.stack([self.period - along, round_trip(y_a + y_b, self.period)], dim=-1)  # (..., 2)
        return torch.minimum(norm(inside), norm(across))

    def retract(self, points: Tensor) -> Tensor:
        """Return the points `(..., 2)` moved into `[0, period)^2`; y is mirrored for every period that x moves by."""
        check_points(self, points, "points")
        x, y = self._into_strip(points)
        # Again, because a tiny negative x rounds to `period` itself.
        x, y = self._into_strip(torch.stack([x, y], dim=-1))
        return torch.stack([x, wrap(y, self.period)], dim=-1)

    def _into_strip(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Return the coordinates x and y of the same points, with x in `[0, period]` and y any real number."""
        x, y = points.unbind(-1)
        far = (x / self.period).abs() > 1024  # where rounding would lose the place and the parity of turns
        x = torch.where(far, torch.remainder(x, 2 * self.period), x)
        turns = torch.floor(x / self.period)
        return x - self.period * turns, torch.where(torch.remainder(turns, 2) == 1, -y, y)  # -y ~ period - y
