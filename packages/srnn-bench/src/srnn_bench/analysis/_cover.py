"""The universal cover of a mask's graph, which says how small the second singular value of a mask can be.

A mask is a graph between sources and targets. Without its greatest singular value, a graph with the same cover cannot
have singular values much below the cover's spectral radius rho; where they are not above it, the graph is Ramanujan
(Greenberg's definition, for irregular graphs; sqrt(d - 1) + sqrt(e - 1) where all rows have d entries and all columns
e). Friedman (Duke Math. J. 118, 2003), whom arXiv 2406.06290 cites, shows of random covers of a graph the weaker
sqrt(sigma_1 rho), and calls that weakly relatively Ramanujan.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


def cover_radius(mask: Tensor, *, tolerance: float = 2e-3, patience: int = 2000) -> float:
    """Return the spectral radius rho of the universal cover of a mask `(rows, cols)`; 0 without entries.

    rho is the least t for which the Green's functions of all branches of the cover, g = 1 / (t - sum of g of the
    branches behind), are finite. Found by bisection, to a share of `tolerance`; a t on which `patience` sweeps cannot
    decide counts as above.
    """
    row, column = (index.numpy() for index in mask.detach().cpu().nonzero().T)
    if not len(row):
        return 0.0
    degrees = max(np.bincount(row).max(), np.bincount(column).max())
    low, high = 0.0, 2 * float(np.sqrt(degrees))  # no tree of this degree is above
    while high - low > tolerance * high:
        middle = (low + high) / 2
        low, high = (low, middle) if _converges(row, column, middle, patience) else (middle, high)
    return high


def _converges(row: NDArray[np.int64], column: NDArray[np.int64], t: float, patience: int) -> bool:
    down = np.zeros(len(row))  # of the branch behind each entry's column, seen from its row
    up = np.zeros(len(row))
    for _ in range(patience):
        at_column = t - np.bincount(column, up)  # (cols,)
        at_row = t - np.bincount(row, down)  # (rows,)
        if at_column.min() <= 0 or at_row.min() <= 0:
            return False
        new_down, new_up = 1 / (at_column[column] + up), 1 / (at_row[row] + down)
        step = max(np.abs(new_down - down).max(), np.abs(new_up - up).max())
        down, up = new_down, new_up
        if step < 1e-7 / t:
            return True
    return True
