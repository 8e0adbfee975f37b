"""One weight matrix (R, C) of an inference module: all of its entries, or those that are not 0."""

from typing import Protocol

import torch
from torch import Tensor, nn

from ..cells import EdgeWeight
from ..engines import DTYPES, Compressed, Dense, SparseProduct, Structure, bags, row_starts

SPARSE = 0.25  # density below which the product with the nonzero entries is the faster one, at B = 1 as at B = 20


class ForwardProduct(Protocol):
    """The product with W (R, C)."""

    def add_(self, out: Tensor, x: Tensor) -> None:
        """Add W x to out (R, B), in place, from x (C, B), or to (R,) from (C,). Both are contiguous."""


class DenseWeight(nn.Module):
    """All entries of W: the buffer `weight` (R, C)."""

    weight: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight)

    @property
    def shape(self) -> tuple[int, int]:
        """R and C."""
        rows, columns = self.weight.shape
        return rows, columns

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the entries."""
        return self.weight.dtype

    @property
    def device(self) -> torch.device:
        """Device of the entries."""
        return self.weight.device

    def with_gap(self, at: int, count: int) -> "DenseWeight":
        """Return W with `count` rows of zeros before row `at`."""
        gap = self.weight.new_zeros(count, self.weight.shape[1])
        return DenseWeight(torch.cat([self.weight[:at], gap, self.weight[at:]]))

    def product(self) -> ForwardProduct:
        """Return the product with W, for as long as W is on this device and not written to."""
        return _TracedDense(self.weight) if torch.compiler.is_compiling() else Dense(self.weight)

    def extra_repr(self) -> str:
        """Return the sizes, for `print(module)`."""
        rows, columns = self.shape
        return f"{rows} x {columns}"


class SparseWeight(nn.Module):
    """The entries of W that are not 0: the buffers `values` (E,), `columns` (E,) and `starts` (R + 1,), both int32.

    Those of row r are from `starts[r]` to `starts[r + 1]`, in the order of their columns.
    """

    values: Tensor
    columns: Tensor
    starts: Tensor

    def __init__(self, shape: tuple[int, int], values: Tensor, columns: Tensor, starts: Tensor) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("values", values)
        self.register_buffer("columns", columns)
        self.register_buffer("starts", starts)

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the entries."""
        return self.values.dtype

    @property
    def device(self) -> torch.device:
        """Device of the entries."""
        return self.values.device

    @property
    def edges(self) -> Compressed:
        """The places of the entries."""
        return Compressed(self.shape, self.starts, self.columns)

    def with_gap(self, at: int, count: int) -> "SparseWeight":
        """Return W with `count` empty rows before row `at`. It shares the entries."""
        rows, columns = self.shape
        starts = torch.cat([self.starts[:at], self.starts[at].repeat(count), self.starts[at:]])
        return SparseWeight((rows + count, columns), self.values, self.columns, starts)

    def dense(self) -> Tensor:
        """Return W."""
        return self.values.new_zeros(self.shape).index_put((self.edges.rows, self.columns), self.values)

    def product(self) -> ForwardProduct:
        """Return the product with W, for as long as W is on this device and not written to.

        It is that of a dense matrix in a dtype without a sparse product, such as bfloat16.
        """
        if self.dtype not in DTYPES:
            return DenseWeight(self.dense()).product()
        traced = torch.compiler.is_compiling()  # a CSR tensor can neither be compiled nor exported
        return _TracedSparse(self.edges, self.values) if traced else SparseProduct(self.edges, self.values)

    def extra_repr(self) -> str:
        """Return the sizes and the number of entries, for `print(module)`."""
        rows, columns = self.shape
        return f"{rows} x {columns}, {len(self.values)} entries"


Weight = DenseWeight | SparseWeight


def compress(weight: Tensor | EdgeWeight) -> Weight:
    """Return W (R, C) in the form whose product is the faster one. Every entry that is not 0 is kept, NaN included.

    The entries of an `EdgeWeight` stay entries.
    """
    if isinstance(weight, EdgeWeight):
        return _entries_of(weight)
    weight = weight.detach()
    nonzero = weight != 0
    if int(nonzero.sum()) >= SPARSE * weight.numel():
        return DenseWeight(weight.clone(memory_format=torch.contiguous_format))
    structure = Structure(nonzero)
    values = weight.reshape(-1).index_select(0, structure.places)
    rows, columns = weight.shape
    return SparseWeight((rows, columns), values, structure.rows.columns, structure.rows.starts)


def _entries_of(weight: EdgeWeight) -> SparseWeight:
    kept = weight.values.detach() != 0  # (E,)
    starts = row_starts(weight.edges.rows.rows[kept], weight.shape[0])
    return SparseWeight(weight.shape, weight.values.detach()[kept], weight.columns[kept], starts)


class _TracedDense:
    """The product by operations that are the same for every batch size."""

    def __init__(self, weight: Tensor) -> None:
        self._weight = weight

    def add_(self, out: Tensor, x: Tensor) -> None:
        out += self._weight @ x


class _TracedSparse:
    """The product by operations that are the same for every batch size, and that ONNX has."""

    def __init__(self, edges: Compressed, values: Tensor) -> None:
        self._edges, self._values = edges, values

    def add_(self, out: Tensor, x: Tensor) -> None:
        out += bags(self._edges, self._values, x)
