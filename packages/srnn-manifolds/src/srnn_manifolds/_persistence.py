"""The shape of a cloud of points: persistence diagrams of its Vietoris-Rips complex (arXiv 2406.06290, Figure 4)."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ._manifold import Manifold, check_set


@dataclass(frozen=True, eq=False)
class Diagrams:
    """Birth and death of the holes of a cloud, found with coefficients modulo the prime `coeff`.

    `bars[k]` is float64 `(bars, 2)`: the holes of dimension k, birth and death in the unit of the distances; inf is the
    death of what never dies.
    """

    bars: tuple[Tensor, ...]
    coeff: int


def persistence(distances: Tensor, *, max_dimension: int = 1, coeff: int = 2) -> Diagrams:
    """The persistence diagrams of n points, given their `distances` `(n, n)` as `Manifold.pairwise` gives them.

    `max_dimension` is the highest dimension of holes; time grows fast with it. `coeff` is a prime: modulo 2 a Klein
    bottle has other holes than modulo 3. An array of numpy will do for `distances`.

    Needs ripser: `pip install srnn-manifolds[topology]`.
    """
    try:
        ripser: Any = importlib.import_module("ripser")
    except ImportError as error:
        raise ImportError("persistence needs ripser: pip install 'srnn-manifolds[topology]'") from error
    matrix = torch.as_tensor(distances).detach().double().cpu()
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise ValueError(f"distances: expected shape (n, n), got {tuple(matrix.shape)}")
    if not ((matrix == matrix.T) & (matrix >= 0)).all() or matrix.diagonal().any():
        raise ValueError("distances: expected a symmetric matrix of numbers of at least 0, with 0 on its diagonal")
    if max_dimension < 0:
        raise ValueError(f"max_dimension: expected at least 0, got {max_dimension}")
    if coeff < 2 or any(coeff % divisor == 0 for divisor in range(2, coeff)):
        raise ValueError(f"coeff: expected a prime, got {coeff}")  # ripser itself would crash, or answer nonsense
    found = ripser.ripser(matrix.numpy(), maxdim=max_dimension, coeff=coeff, distance_matrix=True)
    return Diagrams(tuple(torch.from_numpy(bars) for bars in found["dgms"]), coeff)


def betti(diagrams: Diagrams, longer_than: float | Sequence[float]) -> tuple[int, ...]:
    """How many bars of each dimension are longer than a length, which is one for all dimensions or one for each.

    Bars of noise are about as long as the gaps between neighbouring points, those of the manifold's own holes as long
    as the holes are wide: choose a length between.
    """
    lengths = [longer_than] * len(diagrams.bars) if isinstance(longer_than, int | float) else list(longer_than)
    if len(lengths) != len(diagrams.bars):
        raise ValueError(f"longer_than: expected one number or {len(diagrams.bars)}, got {longer_than}")
    pairs = zip(diagrams.bars, lengths, strict=True)
    return tuple(int((bars[:, 1] - bars[:, 0] > length).sum()) for bars, length in pairs)


def farthest_points(manifold: Manifold, points: Tensor, n: int) -> Tensor:
    """`n` of the `points` `(m, coordinates)`, well spread: the first, then always the one farthest from those taken."""
    check_set(manifold, points, "points")
    if not 1 <= n <= len(points):
        raise ValueError(f"n: expected 1 to {len(points)} points, got {n}")
    taken = [0]
    nearest = manifold.distance(points, points[0])  # (m,), to the nearest point that is taken
    while len(taken) < n:
        taken.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, manifold.distance(points, points[taken[-1]]))
    return points[taken]
