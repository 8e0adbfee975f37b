"""Edges as compressed rows and columns, for products with the weights that are present."""

import warnings
from functools import cache, cached_property

import torch
from torch import Tensor

from .._errors import ModelError

INDEX_LIMIT = 2**31  # indices are int32, with which MKL's product is 1.45 times faster than with int64


class Compressed:
    """The edges of a matrix (rows, cols) in the order of its rows: edge e is at (`rows[e]`, `columns[e]`).

    `starts` (rows + 1,): the edges of row r are `starts[r]` to `starts[r + 1]`. All are int32.
    """

    def __init__(self, shape: tuple[int, int], starts: Tensor, columns: Tensor) -> None:
        self.shape, self.starts, self.columns = shape, starts, columns
        self._rows: Tensor | None = None

    @property
    def rows(self) -> Tensor:
        """The row of each edge (E,), made when first asked for."""
        if self._rows is None:  # torch.compile cannot trace a cached_property
            rows = torch.arange(self.shape[0], dtype=torch.int32, device=self.starts.device)
            self._rows = rows.repeat_interleave(self.starts.diff(), output_size=len(self.columns))
        return self._rows

    def csr(self, values: Tensor) -> Tensor:
        """Return the sparse matrix with these values (E,)."""
        _announce_csr()
        return torch.sparse_csr_tensor(self.starts, self.columns, values, self.shape, check_invariants=False)


class EdgeList:
    """Edges of a matrix, in rows for W x and in columns, made when first asked for, for the product with W^T."""

    def __init__(self, rows: Compressed) -> None:
        self.rows = rows

    @cached_property
    def order(self) -> Tensor:
        """The edges in the order of columns (E,), int32: edge `order[i]` is the i-th edge of the transpose."""
        return torch.sort(self.rows.columns, stable=True).indices.int()

    @cached_property
    def columns(self) -> Compressed:
        """The edges of the transpose."""
        height, width = self.rows.shape
        targets = self.rows.rows.index_select(0, self.order)
        return Compressed((width, height), row_starts(self.rows.columns, width), targets)


class Structure(EdgeList):
    """The edges of a mask (rows, cols). `places` (E,) int64: their places in the flattened matrix, row by row."""

    def __init__(self, mask: Tensor) -> None:
        height, width = mask.shape
        if mask.numel() and max(int(torch.count_nonzero(mask)), height, width) >= INDEX_LIMIT:
            raise ModelError(f"mask: expected fewer than 2^31 edges, rows and columns, got shape {tuple(mask.shape)}")
        self.places = mask.reshape(-1).nonzero()[:, 0]  # (E,)
        rows = self.places.div(width, rounding_mode="floor")
        columns = self.places.remainder(width).int()
        super().__init__(Compressed((height, width), row_starts(rows, height), columns))

    @property
    def edges(self) -> int:
        """Number E of edges."""
        return self.places.numel()


def row_starts(rows: Tensor, count: int) -> Tensor:
    """Return the first edge of each of `count` rows, int32 (count + 1,), from the rows (E,) of edges in any order."""
    starts = torch.zeros(count + 1, dtype=torch.int32, device=rows.device)
    starts[1:] = torch.bincount(rows, minlength=count).cumsum(0)
    return starts


@cache
def _announce_csr() -> None:
    """Make a first CSR tensor: torch warns once per process that they are in beta state."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.eye(1).to_sparse_csr()
