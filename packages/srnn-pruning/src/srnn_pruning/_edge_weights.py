"""Sparse matrices of other packages, which hold the values of their edges instead of all entries."""

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from ._errors import PruningError


@runtime_checkable
class EdgeWeight(Protocol):
    """A module that is a sparse matrix (rows, cols) in CSR format, such as `srnn_models.EdgeWeight`.

    Its parameter is `values` (E,); `indptr` and `columns` are buffers.
    """

    shape: tuple[int, int]
    values: Tensor
    indptr: Tensor
    columns: Tensor


def edge_weights(module: nn.Module) -> dict[str, EdgeWeight]:
    """Return the sparse matrices in a module, by the full name of their values."""
    found = {path: each for path, each in module.named_modules() if isinstance(each, EdgeWeight)}
    return {f"{path}.values" if path else "values": each for path, each in found.items()}


def refuse_edges(module: nn.Module, names: Iterable[str]) -> None:
    """Raise PruningError if one of the names is that of the values of edges, which cannot be ranked with entries."""
    sparse = edge_weights(module)
    for name in names:
        if name in sparse:
            raise PruningError(
                f"{name}: expected a dense weight, got the values of {len(sparse[name].values)} edges; convert it by "
                "srnn_models.to_dense and apply the masks that it returns, or leave it out of the scope"
            )
