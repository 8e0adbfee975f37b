"""The products of a recurrence with its W: dense, with the edges of a mask only, or with edges that are all of W.

The passes over time of all cells are written once, for a `Product`: states and gradients are (N, B), a column per
sequence, so that W h is one product with the rows of W, sparse or dense.
"""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from ._structure import Compressed, EdgeList, Structure

ROWWISE = 48  # sequences below which the dense product is faster as (W x)^T = x^T W^T
BAG = range(32, 65)  # batch sizes where embedding_bag is faster than MKL's product with CSR
COLUMNS = 400  # columns per chunk of the weight gradient: those of a chunk stay in the cache


class Product(Protocol):
    """What a pass over time needs of W (R, N): R = gN rows for g gates."""

    def add_(self, out: Tensor, x: Tensor) -> None:
        """Add W x to out (R, B), in place. x: (N, B). Both are contiguous."""

    def add_transposed_(self, out: Tensor, d: Tensor) -> None:
        """Add W^T d to out (N, B), in place. d: (R, B). Both are contiguous."""

    def gradient(self, deltas: Tensor, states: Tensor) -> Tensor:
        """Return the gradient of W (R, N), sum_t deltas_t states_t^T, from (T, R, B) and (T, N, B).

        Of a W that is given by the values (E,) of its edges, it is their gradient (E,).
        """


class Dense:
    """The products with all entries of W (R, N)."""

    def __init__(self, weight: Tensor) -> None:
        self._weight = weight.detach()

    def add_(self, out: Tensor, x: Tensor) -> None:
        """Add W x to out, in place."""
        if x.dim() == 1:
            torch.addmv(out, self._weight, x, out=out)
        else:
            _add_product_(out, self._weight, x)

    def add_transposed_(self, out: Tensor, d: Tensor) -> None:
        """Add W^T d to out, in place."""
        _add_product_(out, self._weight.t(), d)

    def gradient(self, deltas: Tensor, states: Tensor) -> Tensor:
        """Return the gradient of W as one product over T and B."""
        return outer(deltas, states)


def _add_product_(out: Tensor, weight: Tensor, x: Tensor) -> None:
    if x.shape[1] < ROWWISE:
        out.add_((x.t() @ weight.t()).t())
    else:
        out.addmm_(weight, x)


class EdgeValues:
    """The products with a W (R, N) that is given by the values (E,) of its edges."""

    def __init__(self, edges: EdgeList, values: Tensor) -> None:
        self._edges = edges
        self._forward = SparseProduct(edges.rows, values.detach())
        self._transposed: SparseProduct | None = None

    def add_(self, out: Tensor, x: Tensor) -> None:
        """Add W x to out, in place."""
        self._forward.add_(out, x)

    def add_transposed_(self, out: Tensor, d: Tensor) -> None:
        """Add W^T d to out, in place."""
        if self._transposed is None:
            values = self._forward.values.index_select(0, self._edges.order)  # (E,)
            self._transposed = SparseProduct(self._edges.columns, values)
        self._transposed.add_(out, d)

    def linear(self, x: Tensor, plus: Tensor | None = None) -> Tensor:
        """Return plus + W x, (B, R), from x (B, N) and plus (B, R) or (R,), without gradients."""
        out = x.new_zeros(self._edges.rows.shape[0], len(x))  # (R, B)
        if plus is not None:
            out += plus[:, None] if plus.dim() == 1 else plus.t()
        self.add_(out, x.t().contiguous())
        return out.t()  # (B, R)

    def gradient(self, deltas: Tensor, states: Tensor) -> Tensor:
        """Return the gradient of the values (E,)."""
        return edge_gradient(self._edges.rows, deltas, states)


class Edges(EdgeValues):
    """The products with the entries of W (R, N) where a mask is not 0. W must be 0 elsewhere.

    The gradient is 0 where the mask is 0. It is dense while `mask.lifted` is set, which is read in the backward pass,
    and after the mask was written to.
    """

    def __init__(self, structure: Structure, weight: Tensor, mask: Tensor) -> None:
        super().__init__(structure, weight.detach().reshape(-1).index_select(0, structure.places))
        self._structure, self._mask = structure, mask
        self._version, self._dense = version(mask), lifted(mask)

    def gradient(self, deltas: Tensor, states: Tensor) -> Tensor:
        """Return the gradient of W, zero where there is no edge."""
        if self._dense or lifted(self._mask) or version(self._mask) != self._version:
            return outer(deltas, states)
        values = super().gradient(deltas, states)  # (E,)
        gradient = values.new_zeros(self._structure.rows.shape)  # (R, N)
        gradient.view(-1).index_copy_(0, self._structure.places, values)
        return gradient


class SparseProduct:
    """The product with a sparse matrix (R, N) of these values (E,)."""

    def __init__(self, edges: Compressed, values: Tensor) -> None:
        self.values, self._edges, self._csr = values, edges, edges.csr(values)
        without_mkl = not torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]
        self._bag_only = without_mkl and values.device.type == "cpu"

    def add_(self, out: Tensor, x: Tensor) -> None:
        """Add W x to out (R, B), in place, from x (N, B), or to (R,) from (N,). Both are contiguous."""
        if x.dim() == 1 and not self._bag_only:
            torch.addmv(out, self._csr, x, out=out)
        elif x.dim() == 1:
            out += bags(self._edges, self.values, x[:, None])[:, 0]
        elif self._bag_only or x.shape[1] in BAG:
            out += bags(self._edges, self.values, x)
        elif x.shape[1] == 1:
            torch.addmv(out[:, 0], self._csr, x[:, 0], out=out[:, 0])
        else:
            torch.addmm(out, self._csr, x, out=out)


def bags(edges: Compressed, values: Tensor, x: Tensor) -> Tensor:
    """Return W x (R, B) of x (N, B) by embedding_bag, for a W with these values (E,) of its edges."""
    return functional.embedding_bag(
        edges.columns, x, edges.starts, mode="sum", per_sample_weights=values, include_last_offset=True
    )


def gathered_product(edges: Compressed, values: Tensor, x: Tensor) -> Tensor:
    """Return W x, (R, B), from the values (E,) of the edges of W (R, N) and x (N, B), by plain tensor operations.

    It can be differentiated any number of times in both modes and mapped by `vmap`, but takes memory for (E, B) numbers
    and more time than `EdgeValues`.
    """
    terms = values[:, None] * x.index_select(0, edges.columns)  # (E, B)
    rows = edges.rows.long()[:, None].expand_as(terms)  # scatter_add takes int64 only, and is fast if it is expanded
    return terms.new_zeros(edges.shape[0], x.shape[1]).scatter_add(0, rows, terms)


def outer(deltas: Tensor, states: Tensor) -> Tensor:
    """Return sum_t deltas_t states_t^T, (R, N), from (T, R, B) and (T, N, B)."""
    return _columns(deltas) @ _columns(states).t()


def edge_gradient(edges: Compressed, deltas: Tensor, states: Tensor) -> Tensor:
    """Return the entries of `outer(deltas, states)` at the edges, (E,)."""
    steps = max(1, COLUMNS // max(1, deltas.shape[2]))
    total = deltas.new_zeros(edges.columns.shape)  # (E,)
    for left, right in zip(torch.split(deltas, steps), torch.split(states, steps), strict=True):
        total += _dots_at(edges, _columns(left), _columns(right))
    return total


def dots_by_bags(edges: Compressed, left: Tensor, right: Tensor) -> Tensor:
    """Return the entries of left right^T at the edges, (E,), from (R, C) and (N, C), by an operation private to torch.

    It is faster than `dots_by_samples`.
    """
    found: Tensor = torch.ops.aten._embedding_bag_per_sample_weights_backward(
        left, right, edges.columns, edges.starts, edges.rows, 0, -1
    )
    return found


def dots_by_samples(edges: Compressed, left: Tensor, right: Tensor) -> Tensor:
    """Return what `dots_by_bags` returns, by a public function: for versions of torch without that operation."""
    pattern = edges.csr(left.new_zeros(edges.columns.shape))
    found: Tensor = torch.sparse.sampled_addmm(pattern, left, right.t(), beta=0).values()
    return found


_has_bags = hasattr(torch.ops.aten, "_embedding_bag_per_sample_weights_backward")
_dots_at = dots_by_bags if _has_bags else dots_by_samples


def lifted(mask: Tensor) -> bool:
    """Return whether srnn-masks lets the gradient be dense now."""
    return bool(getattr(mask, "lifted", False))


def version(tensor: Tensor) -> int:
    """Return torch's version counter of a tensor; -1 for inference tensors, which have none."""
    return -1 if tensor.is_inference() else tensor._version


def _columns(sequence: Tensor) -> Tensor:
    """Return the columns of all time steps side by side, (R, T B), of a sequence (T, R, B)."""
    return sequence.transpose(0, 1).reshape(sequence.shape[1], -1)
