"""Topology of point clouds: persistence diagrams of the Vietoris-Rips complex (arXiv 2406.06290, Figure 4)."""

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ._errors import ManifoldError
from .manifolds import Manifold

# Limits of ripser, all else of which is undefined: signed coefficients of 8 bits and indices of 56 bits.
_PRIMES = tuple(p for p in range(2, 128) if all(p % divisor for divisor in range(2, p)))
_SIMPLICES = 2**55 - 1
_SMALLEST_NORMAL = 0x0080_0000  # the bits of the smallest normal number of float32; larger floats have larger bits


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

    `max_dimension` is the highest dimension of holes; run time and memory grow fast with it. `coeff` is a prime of at
    most 127: modulo 2 a Klein bottle has other holes than modulo 3. `distances` may also be a numpy array.

    ripser computes in float32 with simplices numbered below 2^55. It is given the ranks of the distances, on which
    alone the result depends, so that births and deaths are exactly numbers of `distances`, at any scale.

    Requires ripser (`pip install srnn-manifolds[topology]`). Raises ManifoldError without it, unless `distances` is a
    symmetric matrix of numbers of at least 0 with zero diagonal, for another `coeff`, and if n points have more
    simplices of dimension `max_dimension` + 1 than ripser can number.
    """
    try:
        ripser: Any = importlib.import_module("ripser")
    except ImportError as error:
        raise ManifoldError("persistence requires ripser: pip install 'srnn-manifolds[topology]'") from error
    matrix = torch.as_tensor(distances, device="cpu").detach().double()
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise ManifoldError(f"distances: expected shape (n, n), got {tuple(matrix.shape)}")
    if not ((matrix == matrix.T) & (matrix >= 0)).all() or matrix.diagonal().any():
        raise ManifoldError("distances: expected a symmetric matrix of numbers of at least 0, with 0 on its diagonal")
    if max_dimension < 0:
        raise ManifoldError(f"max_dimension: expected at least 0, got {max_dimension}")
    if coeff not in _PRIMES:
        refused = ManifoldError(f"coeff: expected a prime of at most {_PRIMES[-1]}, got {coeff}")
        refused.add_note("A ValueError, since ripser holds coefficients in 8 bits: it would hang, abort or miscount.")
        raise refused
    n = len(matrix)
    highest = min(max_dimension, n - 1)  # n points have no holes above, and ripser would allocate a table for them
    if math.comb(n, min(n // 2, highest + 2)) > _SIMPLICES:
        raise ManifoldError(
            f"max_dimension: ripser cannot number the simplices of {n} points up to dimension {max_dimension + 1}; "
            "expected a lower max_dimension or fewer points"
        )
    values, ranks = torch.unique(matrix, return_inverse=True)  # values[0] is 0
    result = ripser.ripser(_codes(ranks, values).numpy(), maxdim=highest, coeff=int(coeff), distance_matrix=True)
    bars = [_decoded(torch.from_numpy(bars), values) for bars in result["dgms"]]
    empty = [torch.empty(0, 2, dtype=torch.float64, device="cpu") for _ in range(max_dimension - highest)]
    return Diagrams((*bars, *empty), coeff)


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


def _codes(ranks: Tensor, values: Tensor) -> Tensor:
    """Return float32 numbers in the order of the ranks: 0 for 0, inf for inf, and the r-th normal number for rank r."""
    codes = (ranks + _SMALLEST_NORMAL).to(torch.int32).view(torch.float32)
    codes = codes.masked_fill(ranks == 0, 0.0)
    return codes.masked_fill(values[ranks].isinf(), math.inf)


def _decoded(bars: Tensor, values: Tensor) -> Tensor:
    """Return births and deaths `(bars, 2)` as values, given their codes."""
    ranks = bars.float().contiguous().view(torch.int32).long() - _SMALLEST_NORMAL
    known = (bars > 0) & bars.isfinite()
    return torch.where(known, values[ranks.where(known, 0)], bars.double())
