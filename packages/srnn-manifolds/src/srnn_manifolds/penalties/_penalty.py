"""The module that regularizers build: it turns a weight into a number to add to the loss."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from .._errors import ManifoldError

Reduction = Literal["mean", "sum"]


class Penalty(nn.Module):
    """The mean or the sum of coefficients * |weight|^power over all entries of a weight (eq. 5).

    `coefficients` is `(rows, cols)` like the weight, or one number `()` for all entries; then `shape` is the shape of
    the weight. `points` `(gates, neurons, coordinates)` are the positions of the neurons from which the coefficients
    were computed, if any; `source_points` `(gates, sources, coordinates)` those of the columns, None if the columns are
    the neurons. All are buffers: `.to(device)` moves them, `state_dict` contains them, and they get no gradient.

    Usually built by a regularizer; build it directly for a third-party manifold or inhibitor.

    Raises ManifoldError if coefficients and shape, `reduction` or `power` do not fit.

    >>> penalty = Penalty(torch.tensor([[0.0, 1.0], [2.0, 3.0]]), reduction="sum")
    >>> penalty(torch.tensor([[5.0, -1.0], [1.0, -1.0]])).item()
    6.0
    """

    coefficients: Tensor
    points: Tensor | None
    source_points: Tensor | None

    def __init__(
        self,
        coefficients: Tensor,
        *,
        points: Tensor | None = None,
        source_points: Tensor | None = None,
        shape: tuple[int, int] | None = None,
        reduction: Reduction = "mean",
        power: float = 1.0,
    ) -> None:
        super().__init__()
        expected = tuple(coefficients.shape) if shape is None else shape
        if len(expected) != 2 or tuple(coefficients.shape) not in ((), expected):
            allowed = "(rows, cols), or () together with a shape" if shape is None else f"{shape} or ()"
            raise ManifoldError(f"coefficients: expected shape {allowed}, got {tuple(coefficients.shape)}")
        check_measure(reduction, power)
        self.shape = expected
        self.reduction = reduction
        self.power = power
        self.register_buffer("coefficients", coefficients.detach())
        self.register_buffer("points", None if points is None else points.detach())
        self.register_buffer("source_points", None if source_points is None else source_points.detach())

    def forward(self, weight: Tensor) -> Tensor:
        """Return the penalty `()` of a weight `(rows, cols)`, float32 if the weight is of half precision.

        Raises ManifoldError for another shape.
        """
        if tuple(weight.shape) != self.shape:
            raise ManifoldError(f"weight: expected shape {self.shape}, got {tuple(weight.shape)}")
        weight = at_least_float32(weight)
        constant = self.coefficients.ndim == 0
        if self.power == 1:
            # |w| = sign(w) w with a constant sign: forward is a dot product, backward a product with the one saved
            # tensor, and no matrix of terms is written. The cost is memory traffic: 12 matrices read or written, where
            # the mean of a product takes 16.
            slope = weight.detach().sign()  # (rows, cols)
            if not constant:
                slope = slope * self.coefficients
            total = torch.dot(slope.flatten(), weight.to(slope.dtype).flatten())  # ()
        else:
            size = weight.abs().pow(self.power)  # (rows, cols)
            total = (size if constant else self.coefficients * size).sum()  # ()
        if self.reduction == "mean":
            total = total / weight.numel()
        return at_least_float32(self.coefficients) * total if constant else total

    def mean_coefficient(self) -> float:
        """Return the mean coefficient over all entries: the coefficient of an L1 of the same strength."""
        return self.coefficients.mean(dtype=torch.float64).item()

    def extra_repr(self) -> str:
        """Return the shape of the weight, the reduction and the power."""
        return f"shape={self.shape}, reduction={self.reduction!r}, power={self.power:g}"


def at_least_float32(values: Tensor) -> Tensor:
    """Return float16 and bfloat16 as float32, other dtypes unchanged: float16 ends at 65,504, below most sums."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


def check_measure(reduction: str, power: float) -> None:
    """Raise ManifoldError unless `reduction` and `power` are valid."""
    if reduction not in ("mean", "sum"):
        raise ManifoldError(f"reduction: expected 'mean' or 'sum', got {reduction!r}")
    if not 1 <= power < math.inf:
        raise ManifoldError(f"power: expected a finite number of at least 1, got {power}")
