"""The edges of a mask as compressed rows and columns, for products with the weights that are present."""

import warnings
from dataclasses import dataclass
from functools import cache, cached_property

import torch
from torch import Tensor

from .._errors import ModelError

LIMIT = 2**31  # indices are int32, with which MKL's product is 1.45 times faster than with int64


@dataclass(frozen=True, eq=False)
class Compressed:
    """The edges of a matrix (rows, cols) in the order of its rows: edge e is at (`rows[e]`, `columns[e]`).

    `starts` (rows + 1,): the edges of row r are `starts[r]` to `starts[r + 1]`. All are int32.
    """

    shape: tuple[int, int]
    starts: Tensor
    columns: Tensor

    @cached_property
    def rows(self) -> Tensor:
        """The row of each edge (E,)."""
        rows = torch.arange(self.shape[0], dtype=torch.int32, device=self.starts.device)
        return rows.repeat_interleave(self.starts.diff())

    def csr(self, values: Tensor) -> Tensor:
        """Return the sparse matrix with these values (E,)."""
        _announce_csr()
        return torch.sparse_csr_tensor(self.starts, self.columns, values, self.shape, check_invariants=False)


class Structure:
    """The edges of a mask (rows, cols), in rows for W x and in columns for the product with the transpose.

    `places` (E,) int64 are the places of the edges in the flattened matrix, in the order of `rows`.
    """

    def __init__(self, mask: Tensor) -> None:
        height, width = mask.shape
        if mask.numel() and max(int(torch.count_nonzero(mask)), height, width) >= LIMIT:
            raise ModelError(f"mask: expected fewer than 2^31 edges, rows and columns, got shape {tuple(mask.shape)}")
        self.places = mask.reshape(-1).nonzero()[:, 0]  # (E,)
        rows = self.places.div(width, rounding_mode="floor")
        self.rows = _compressed((height, width), rows, self.places.remainder(width))

    @property
    def edges(self) -> int:
        """Number E of edges."""
        return self.places.numel()

    @cached_property
    def order(self) -> Tensor:
        """The edges in the order of columns (E,): edge `order[i]` is the i-th edge of the transpose."""
        return torch.sort(self.rows.columns, stable=True).indices

    @cached_property
    def columns(self) -> Compressed:
        """The edges of the transpose."""
        height, width = self.rows.shape
        return _compressed((width, height), self.rows.columns[self.order], self.rows.rows[self.order])


def _compressed(shape: tuple[int, int], rows: Tensor, columns: Tensor) -> Compressed:
    """Return the edges of a matrix of this shape, from their rows and columns (E,), sorted by row and column."""
    starts = torch.zeros(shape[0] + 1, dtype=torch.int32, device=rows.device)
    starts[1:] = torch.bincount(rows, minlength=shape[0]).cumsum(0)
    return Compressed(shape, starts, columns.int())


@cache
def _announce_csr() -> None:
    """Make a first CSR tensor: torch warns once per process that they are in beta state."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.eye(1).to_sparse_csr()
