"""What every manifold can do: the base class of the family, and the checks that its members share."""

from abc import abstractmethod

import torch
from torch import Tensor

from ._value import Value

BLOCK = 1 << 22  # numbers held by one temporary of `pairwise`: 16 MiB in float32


class Manifold(Value):
    """A metric space that points can be drawn from, as a value.

    A point is the last dimension of a tensor and holds `coordinates` numbers. All leading dimensions broadcast. Every
    method keeps dtype and device; lengths have the unit of the manifold's own parameters (radius, period).

    To add a manifold, subclass this, write the five abstract members, and call `srnn_manifolds.testing.check_manifold`.
    """

    @property
    @abstractmethod
    def coordinates(self) -> int:
        """How many numbers a point has: 3 on the sphere S^2, whose dimension is 2."""

    @property
    @abstractmethod
    def diameter(self) -> float:
        """The least upper bound of `distance`; `inf` if there is none."""

    @abstractmethod
    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """`n` independent points `(n, coordinates)`, float32, drawn on `generator.device`."""

    @abstractmethod
    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Distances `(...)` between points `a` and `b`, both `(..., coordinates)`, broadcast against each other.

        On edges, `distance(points[rows], points[cols])` is `(E,)`. Gradients are finite everywhere: zero, a
        subgradient, at coincident points.
        """

    @abstractmethod
    def retract(self, points: Tensor) -> Tensor:
        """The same points `(..., coordinates)` in canonical coordinates; apply it after every step of an optimizer."""

    def tangent(self, points: Tensor, vectors: Tensor) -> Tensor:
        """The part of `vectors` along the manifold at `points`, both `(..., coordinates)`.

        Here all of it, as where coordinates are a chart. Override it where points are embedded, as on spheres.
        """
        check_points(self, points, "points")
        check_points(self, vectors, "vectors")
        return vectors

    def pairwise(self, points: Tensor) -> Tensor:
        """All distances `(..., n, n)` among points `(..., n, coordinates)`: exactly symmetric, the diagonal exactly 0.

        Computed in blocks of rows, so that temporaries stay small beside the result (64 MiB for 4096 points in
        float32).
        """
        check_set(self, points, "points")
        # Mirrored, because torch may round one number differently at different places of a tensor.
        upper = self._in_blocks(points, points).triu(1)  # (..., n, n)
        return upper + upper.mT

    def cross(self, a: Tensor, b: Tensor) -> Tensor:
        """All distances `(..., n, m)` from points `a` `(..., n, coordinates)` to points `b` `(..., m, coordinates)`.

        Computed in blocks of rows, as `pairwise`.
        """
        check_set(self, a, "a")
        check_set(self, b, "b")
        return self._in_blocks(a, b)

    def _in_blocks(self, a: Tensor, b: Tensor) -> Tensor:
        columns = b.unsqueeze(-3)  # (..., 1, m, coordinates)
        rows = max(1, BLOCK // max(1, b.numel()))
        return torch.cat(
            [self.distance(block.unsqueeze(-2), columns) for block in torch.split(a, rows, dim=-2)], dim=-2
        )


def check_points(manifold: Manifold, points: Tensor, name: str) -> None:
    """Raise a ValueError unless `points` is floating point, `(..., coordinates)`."""
    if points.ndim < 1 or points.shape[-1] != manifold.coordinates:
        raise ValueError(
            f"{name}: expected shape (..., {manifold.coordinates}) for {manifold!r}, got {tuple(points.shape)}"
        )
    if not points.is_floating_point():
        raise ValueError(f"{name}: expected a floating point tensor, got {points.dtype}")


def check_set(manifold: Manifold, points: Tensor, name: str) -> None:
    """Raise a ValueError unless `points` is floating point, `(..., n, coordinates)`."""
    check_points(manifold, points, name)
    if points.ndim < 2:
        raise ValueError(f"{name}: expected shape (..., n, {manifold.coordinates}), got {tuple(points.shape)}")


def check_draw(n: int, generator: torch.Generator) -> None:
    """Raise a ValueError unless `n` points can be drawn with `generator`."""
    if n < 0:
        raise ValueError(f"n: expected a number of points of at least 0, got {n}")
    if not isinstance(generator, torch.Generator):
        raise ValueError(f"generator: a random draw needs a torch.Generator, got {generator!r}")


def norm(vectors: Tensor) -> Tensor:
    """Euclidean lengths `(...)` of vectors `(..., dim)`; the gradient at a vector of zeros is zero."""
    length: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    return length
