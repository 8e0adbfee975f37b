"""The universal cover of a mask's graph, which bounds the second singular value of the mask from below.

A mask is a graph between sources and targets. Without its greatest singular value, a graph with the same cover cannot
have singular values much below the cover's spectral radius rho; if none is above it, the graph is Ramanujan
(Greenberg's definition, for irregular graphs; rho = sqrt(d - 1) + sqrt(e - 1) if all rows have d entries and all
columns e). Friedman (Duke Math. J. 118, 2003), whom arXiv 2406.06290 cites, proves for random covers of a graph the
weaker bound sqrt(sigma_1 rho), and calls such covers weakly relatively Ramanujan.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

TOLERANCE = 2e-3  # relative, of the bisection

PATIENCE = 2000  # sweeps


def cover_radius(mask: Tensor) -> float:
    """Return the spectral radius rho of the universal cover of a mask `(rows, cols)`; 0 without entries.

    rho is the least t for which the Green's functions of all branches of the cover, g = 1 / (t - sum of g of the
    branches behind), are finite. It is found by bisection, to a relative `TOLERANCE`; a t for which `PATIENCE` sweeps
    do not decide counts as above.
    """
    row, column = (index.numpy() for index in mask.detach().cpu().nonzero().T)
    if not len(row):
        return 0.0
    degree = max(np.bincount(row).max(), np.bincount(column).max())
    low, high = 0.0, 2 * float(np.sqrt(degree))  # the greatest possible radius of a tree of this degree
    while high - low > TOLERANCE * high:
        middle = (low + high) / 2
        low, high = (low, middle) if _converges(row, column, middle) else (middle, high)
    return high


def _converges(row: NDArray[np.int64], column: NDArray[np.int64], t: float) -> bool:
    down = np.zeros(len(row))  # of the branch behind each entry's column, seen from its row
    up = np.zeros(len(row))
    for _ in range(PATIENCE):
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
