"""`EdgeWeight`: a sparse weight matrix as the values of its edges, which trains without ever being dense."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .._draw import empty
from .._errors import ModelError
from ..engines import INDEX_LIMIT, Compressed, EdgeList, EdgeValues, gathered_product, refusal, row_starts


class EdgeWeight(nn.Module):
    """A matrix W (rows, cols) that is 0 except at E edges; row = target, column = source.

    `values` (E,) is the parameter. The buffers `indptr` (rows + 1,) and `columns` (E,), int32, say where the edges are,
    as in the CSR format: those of row r are `indptr[r]` to `indptr[r + 1]`. `load_state_dict` refuses other edges than
    those of the module, because moments, masks and penalties belong to them.

    Args:
        indices: int64 `(2, E)`, (target, source), sorted by target and source, as the patterns of srnn-masks and
            `mask.nonzero().T` give them.
        shape: (rows, cols).
        values: The values of the edges, (E,), on the device of the indices; None for uninitialised ones.

    Raises `ModelError` for indices of another dtype or shape, out of range, unsorted or duplicated.

    >>> weight = EdgeWeight(torch.tensor([[0, 2], [1, 0]]), (3, 2), nn.Parameter(torch.tensor([5.0, 7.0])))
    >>> weight.dense().tolist()
    [[0.0, 5.0], [0.0, 0.0], [7.0, 0.0]]
    """

    indptr: Tensor
    columns: Tensor

    def __init__(self, indices: Tensor, shape: tuple[int, int], values: nn.Parameter | None = None) -> None:
        super().__init__()
        _check_edges(indices, *shape)
        if values is None:
            values = nn.Parameter(torch.empty(indices.shape[1], device=indices.device))
        if values.shape != indices.shape[1:]:
            raise ModelError(f"values: expected shape ({indices.shape[1]},), got {tuple(values.shape)}")
        self.shape = shape
        self.values = values
        self.register_buffer("indptr", row_starts(indices[0], shape[0]))
        self.register_buffer("columns", indices[1].int())
        self._edges: EdgeList | None = None

    @property
    def edges(self) -> EdgeList:
        """The edges in rows and in columns. They are kept, but are neither saved nor copied with the module."""
        kept = self._edges
        if kept is None or kept.rows.starts is not self.indptr or kept.rows.columns is not self.columns:
            kept = self._edges = EdgeList(Compressed(self.shape, self.indptr, self.columns))
        return kept

    @property
    def indices(self) -> Tensor:
        """The edges as int64 `(2, E)`, (target, source)."""
        return torch.stack([self.edges.rows.rows, self.columns]).long()

    def dense(self, values: Tensor | None = None) -> Tensor:
        """Return the matrix (rows, cols); with `values` (E,), such as moments of an optimizer, that of those."""
        values = self.values if values is None else values
        return values.new_zeros(self.shape).index_put((*self.indices,), values)

    def product(self) -> EdgeValues:
        """Return the products with W for a pass with its own backward."""
        return EdgeValues(self.edges, self._own_values())

    def linear(self, x: Tensor, plus: Tensor | None = None, values: Tensor | None = None) -> Tensor:
        """Return plus + W x, (B, rows), from x (B, cols) and plus (B, rows) or (rows,).

        With gradients off it is one sparse product. Otherwise, and under torch.func, autocast and so on, it consists of
        plain operations, which can be differentiated any number of times and take memory for B numbers per edge.
        `values` (E,): use these instead of those of the module.
        """
        values = self._own_values() if values is None else values
        if torch.is_grad_enabled() or refusal(x, values) is not None:
            out = gathered_product(self.edges.rows, values, x.t()).t()  # (B, rows)
            return out if plus is None else plus + out
        return EdgeValues(self.edges, values).linear(x, plus)  # (B, rows)

    def _own_values(self) -> Tensor:
        """Return the values; raise `ModelError` if a hook computes them, which no forward pass would call."""
        values = self._parameters.get("values")
        if values is None:
            raise ModelError("EdgeWeight: expected a parameter values, got none; torch.nn.utils.prune cannot mask it")
        return values

    def extra_repr(self) -> str:
        """Return shape and number of edges, for `print(module)`."""
        rows, columns = self.shape
        return f"{columns} -> {rows}, edges={len(self.values)}"

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_edges": None}

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *arguments: Any) -> None:
        *_, error_messages = arguments
        for name in ("indptr", "columns"):
            new, own = state_dict.get(prefix + name), getattr(self, name)
            if new is not None and not (new.dtype is own.dtype and torch.equal(new.to(own.device), own)):
                error_messages.append(
                    f"{prefix}{name}: expected the {len(self.values)} edges of the module, got others; build the "
                    "module with the edges that were saved"
                )
                return
        super()._load_from_state_dict(state_dict, prefix, *arguments)


def recurrent_weight(
    edges: Tensor | None, rows: int, columns: int, *, generator: torch.Generator
) -> nn.Parameter | EdgeWeight:
    """Return an uninitialised weight (rows, columns) on the generator's device: dense, or with these edges (2, E)."""
    if edges is None:
        return empty(rows, columns, generator=generator)
    return EdgeWeight(edges, (rows, columns)).to(generator.device)


def _check_edges(indices: Tensor, rows: int, columns: int) -> None:
    """Raise `ModelError` unless indices are int64 `(2, E)`, in range, sorted by target and source, and unique."""
    if not isinstance(indices, Tensor) or indices.dtype is not torch.int64:
        got = indices.dtype if isinstance(indices, Tensor) else type(indices).__name__
        raise ModelError(f"edges: expected indices of torch.int64, got {got}")
    if indices.dim() != 2 or len(indices) != 2:
        raise ModelError(f"edges: expected indices of shape (2, E), got {tuple(indices.shape)}")
    if max(indices.shape[1], rows, columns) >= INDEX_LIMIT:
        raise ModelError(f"edges: expected fewer than 2^31 edges, rows and columns, got {indices.shape[1]} edges")
    for name, line, size in (("targets", indices[0], rows), ("sources", indices[1], columns)):
        if len(line) and not (int(line.min()) >= 0 and int(line.max()) < size):
            raise ModelError(f"edges: expected {name} from 0 to {size - 1}, got {int(line.min())} to {int(line.max())}")
    places = indices[0] * columns + indices[1]  # (E,)
    wrong = (places[1:] <= places[:-1]).nonzero()
    if len(wrong):
        place = int(wrong[0]) + 1
        before, after = indices[:, place - 1].tolist(), indices[:, place].tolist()
        what = "no edge twice" if before == after else "edges sorted by target and source"
        raise ModelError(f"edges: expected {what}, got {after} after {before} at place {place}")
