"""Topology of point clouds: persistence diagrams of the Vietoris-Rips complex (arXiv 2406.06290, Figure 4)."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ._errors import ManifoldError
from .manifolds import Manifold


@dataclass(frozen=True, eq=False)
class Diagrams:
    """Birth and death of the holes of a point cloud, computed with coefficients modulo the prime `coeff`.

    `bars[k]` is float64 `(bars, 2)`: birth and death of the holes of dimension k, in the unit of the distances; inf for
    holes that never die.
    """

    bars: tuple[Tensor, ...]
    coeff: int


def persistence(distances: Tensor, *, max_dimension: int = 1, coeff: int = 2) -> Diagrams:
    """Return the persistence diagrams of n points with `distances` `(n, n)`, as `Manifold.pairwise` returns them.

    `max_dimension` is the highest dimension of holes; run time grows fast with it. `coeff` is a prime: modulo 2 a Klein
    bottle has other holes than modulo 3. `distances` may also be a numpy array.

    Requires ripser (`pip install srnn-manifolds[topology]`). Raises ManifoldError without it, and unless
    `distances` is a symmetric matrix of numbers of at least 0 with zero diagonal, and `coeff` is a prime.
    """
    try:
        ripser: Any = importlib.import_module("ripser")
    except ImportError as error:
        raise ManifoldError("persistence requires ripser: pip install 'srnn-manifolds[topology]'") from error
    matrix = torch.as_tensor(distances).detach().double().cpu()
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise ManifoldError(f"distances: expected shape (n, n), got {tuple(matrix.shape)}")
    if not ((matrix == matrix.T) & (matrix >= 0)).all() or matrix.diagonal().any():
        raise ManifoldError("distances: expected a symmetric matrix of numbers of at least 0, with 0 on its diagonal")
    if max_dimension < 0:
        raise ManifoldError(f"max_dimension: expected at least 0, got {max_dimension}")
    if coeff < 2 or any(coeff % divisor == 0 for divisor in range(2, coeff)):
        raise ManifoldError(f"coeff: expected a prime, got {coeff}")  # ripser would crash or return nonsense
    result = ripser.ripser(matrix.numpy(), maxdim=max_dimension, coeff=coeff, distance_matrix=True)
    return Diagrams(tuple(torch.from_numpy(bars) for bars in result["dgms"]), coeff)


def betti(diagrams: Diagrams, longer_than: float | Sequence[float]) -> tuple[int, ...]:
    """Return the number of bars per dimension that are longer than a length: one for all dimensions, or one for each.

    Bars of noise are about as long as the gaps between neighbouring points, bars of the manifold's holes as long as the
    holes are wide; choose a length between them.
    """
    lengths = [longer_than] * len(diagrams.bars) if isinstance(longer_than, int | float) else list(longer_than)
    if len(lengths) != len(diagrams.bars):
        raise ManifoldError(f"longer_than: expected one number or {len(diagrams.bars)}, got {longer_than}")
    pairs = zip(diagrams.bars, lengths, strict=True)
    return tuple(int((bars[:, 1] - bars[:, 0] > length).sum()) for bars, length in pairs)


def farthest_points(manifold: Manifold, points: Tensor, n: int) -> Tensor:
    """Return `n` well-spread points of `points` `(m, coordinates)`.

    The first point is kept; each further one is the point farthest from all kept before.
    """
    if points.ndim != 2 or points.shape[1] != manifold.coordinates:
        raise ManifoldError(f"points: expected shape (m, {manifold.coordinates}), got {tuple(points.shape)}")
    if not 1 <= n <= len(points):
        raise ManifoldError(f"n: expected 1 to {len(points)} points, got {n}")
    kept = [0]
    nearest = manifold.distance(points, points[0])  # (m,), distance to the nearest kept point
    while len(kept) < n:
        kept.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, manifold.distance(points, points[kept[-1]]))
    return points[kept]
