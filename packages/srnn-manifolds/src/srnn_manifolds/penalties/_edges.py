"""The penalty of a weight given as a list of edges: equal to that of the dense matrix, in O(E)."""

import torch
from torch import Tensor, nn

from .._errors import ManifoldError
from ._penalty import Reduction, at_least_float32, check_measure


class EdgePenalty(nn.Module):
    """The sum of coefficients * |value|^power over E edges, for the mean divided by `entries`.

    `coefficients` is `(E,)`, in the order of the edges. `entries` is the number of entries of the dense matrix (not of
    edges), so that a strength means the same for both. `points` are the positions of the neurons `(gates, neurons,
    coordinates)`, if any. Both are buffers.

    Usually built by `Moduli.build_edges`. Raises ManifoldError if an argument does not fit.

    >>> penalty = EdgePenalty(torch.tensor([2.0, 3.0]), entries=4)
    >>> penalty(torch.tensor([1.0, -2.0])).item()
    2.0
    """

    coefficients: Tensor
    points: Tensor | None

    def __init__(
        self,
        coefficients: Tensor,
        *,
        entries: int,
        points: Tensor | None = None,
        reduction: Reduction = "mean",
        power: float = 1.0,
    ) -> None:
        super().__init__()
        if coefficients.ndim != 1:
            raise ManifoldError(f"coefficients: expected shape (E,), got {tuple(coefficients.shape)}")
        if entries < max(1, len(coefficients)):
            raise ManifoldError(f"entries: expected at least the number of edges {len(coefficients)}, got {entries}")
        check_measure(reduction, power)
        self.shape = (len(coefficients),)
        self.entries = entries
        self.reduction = reduction
        self.power = power
        self.register_buffer("coefficients", coefficients.detach())
        self.register_buffer("points", None if points is None else points.detach())

    def forward(self, values: Tensor) -> Tensor:
        """Return the penalty `()` of the edges' weights `(E,)`, float32 if they are of half precision.

        Raises ManifoldError for another shape.
        """
        if tuple(values.shape) != self.shape:
            raise ManifoldError(f"values: expected shape {self.shape}, got {tuple(values.shape)}")
        total = (self.coefficients * at_least_float32(values).abs().pow(self.power)).sum()  # ()
        return total / self.entries if self.reduction == "mean" else total

    def mean_coefficient(self) -> float:
        """Return the mean coefficient of the edges: that of an L1 of the same strength on them; nan without edges."""
        return self.coefficients.mean(dtype=torch.float64).item()

    def extra_repr(self) -> str:
        """Return the number of edges and of entries, the reduction and the power."""
        return f"edges={self.shape[0]}, entries={self.entries}, reduction={self.reduction!r}, power={self.power:g}"


def check_indices(indices: Tensor, rows: int, cols: int) -> None:
    """Raise ManifoldError unless `indices` is int64 `(2, E)`, targets below `rows` and sources below `cols`."""
    if indices.ndim != 2 or indices.shape[0] != 2:
        raise ManifoldError(f"indices: expected shape (2, E), got {tuple(indices.shape)}")
    if indices.dtype is not torch.int64:
        raise ManifoldError(f"indices: expected torch.int64, got {indices.dtype}")
    for name, row, size in (("targets", indices[0], rows), ("sources", indices[1], cols)):
        if row.numel() and not (int(row.min()) >= 0 and int(row.max()) < size):
            raise ManifoldError(
                f"indices: expected {name} from 0 to {size - 1}, got {int(row.min())} to {int(row.max())}"
            )
