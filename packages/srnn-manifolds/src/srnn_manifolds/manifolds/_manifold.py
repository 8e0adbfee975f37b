"""The base class of all manifolds, and the checks that they share."""

from abc import abstractmethod

import torch
from torch import Tensor

from .._checks import check_generator
from .._errors import ManifoldError
from .._value import Value

_BLOCK = 1 << 22  # numbers in one temporary of `pairwise`: 16 MiB in float32


class Manifold(Value):
    """A metric space from which points can be drawn, as a value.

    A point is the last dimension of a tensor, of size `coordinates`. All leading dimensions broadcast. Every method
    keeps dtype and device; lengths have the unit of the manifold's own parameters (radius, period).

    To add a manifold, subclass this, implement the five abstract members, and call
    `srnn_manifolds.testing.check_manifold`.
    """

    @property
    @abstractmethod
    def coordinates(self) -> int:
        """Number of coordinates of a point: 3 on the sphere S^2, whose dimension is 2."""

    @property
    @abstractmethod
    def diameter(self) -> float:
        """Least upper bound of `distance`; `inf` if there is none."""

    @abstractmethod
    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw `n` independent points `(n, coordinates)`, float32, on `generator.device`."""

    @abstractmethod
    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """Return distances `(...)` between points `a` and `b`, both `(..., coordinates)`, broadcast against each other.

        On edges, `distance(points[rows], points[cols])` is `(E,)`. Gradients are finite everywhere: zero, a
        subgradient, at coincident points.
        """

    @abstractmethod
    def retract(self, points: Tensor) -> Tensor:
        """Return the points `(..., coordinates)` in canonical coordinates; call it after every optimizer step."""

    def tangent(self, points: Tensor, vectors: Tensor) -> Tensor:
        """Return the tangent part of `vectors` at `points`, both `(..., coordinates)`.

        By default the vectors themselves, which is right if coordinates are a chart. Override it if points are embedded
        in a larger space, as on spheres.
        """
        check_points(self, points, "points")
        check_points(self, vectors, "vectors")
        return vectors

    def pairwise(self, points: Tensor) -> Tensor:
        """Return all distances `(..., n, n)` among points `(..., n, coordinates)`.

        The result is exactly symmetric, with a diagonal of exactly 0. It is computed in blocks of rows, so that
        temporaries stay small compared with the result (64 MiB for 4096 points in float32).
        """
        check_set(self, points, "points")
        # Mirrored, because torch may round the same number differently at different positions of a tensor.
        upper = self._in_blocks(points, points).triu(1)  # (..., n, n)
        return upper + upper.mT

    def cross(self, a: Tensor, b: Tensor) -> Tensor:
        """Return all distances `(..., n, m)` from points `a` `(..., n, coordinates)` to `b` `(..., m, coordinates)`.

        Computed in blocks of rows, like `pairwise`.
        """
        check_set(self, a, "a")
        check_set(self, b, "b")
        return self._in_blocks(a, b)

    def _in_blocks(self, a: Tensor, b: Tensor) -> Tensor:
        columns = b.unsqueeze(-3)  # (..., 1, m, coordinates)
        rows = max(1, _BLOCK // max(1, b.numel()))
        return torch.cat(
            [self.distance(block.unsqueeze(-2), columns) for block in torch.split(a, rows, dim=-2)], dim=-2
        )


def check_points(manifold: Manifold, points: Tensor, name: str) -> None:
    """Raise ManifoldError unless `points` is floating point, `(..., coordinates)`."""
    if points.ndim < 1 or points.shape[-1] != manifold.coordinates:
        raise ManifoldError(
            f"{name}: expected shape (..., {manifold.coordinates}) for {manifold!r}, got {tuple(points.shape)}"
        )
    if not points.is_floating_point():
        raise ManifoldError(f"{name}: expected a floating point tensor, got {points.dtype}")


def check_set(manifold: Manifold, points: Tensor, name: str) -> None:
    """Raise ManifoldError unless `points` is floating point, `(..., n, coordinates)`."""
    check_points(manifold, points, name)
    if points.ndim < 2:
        raise ManifoldError(f"{name}: expected shape (..., n, {manifold.coordinates}), got {tuple(points.shape)}")


def check_draw(n: int, generator: torch.Generator) -> None:
    """Raise ManifoldError unless `n` points can be drawn with `generator`."""
    if n < 0:
        raise ManifoldError(f"n: expected a number of points of at least 0, got {n}")
    check_generator(generator)


def norm(vectors: Tensor) -> Tensor:
    """Return Euclidean lengths `(...)` of vectors `(..., dim)`; the gradient at a zero vector is zero."""
    length: Tensor = torch.linalg.vector_norm(vectors, dim=-1)
    return length
