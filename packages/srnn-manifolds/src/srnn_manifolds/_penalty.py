"""What regularizers build: a module that turns a weight into a number to be added to the loss."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

Reduction = Literal["mean", "sum"]


class Penalty(nn.Module):
    """The weighted size of a weight: the mean, or the sum, of coefficients * |weight|^power over all entries (eq. 5).

    `coefficients` is `(rows, cols)` like the weight, or one number `()` for all entries, and then `shape` says what
    the weight must be. `points`, where there are any, are the places of the neurons `(gates, neurons, coordinates)`
    that the coefficients come from; `source_points` `(gates, sources, coordinates)` those of the columns, None where
    the columns are the neurons. All are buffers: they follow `.to(device)`, a `state_dict` holds and restores them, and
    they get no gradient.

    A regularizer's `build` makes one; it can also be made by hand, say for a manifold of your own.

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
            wanted = "(rows, cols), or () together with a shape" if shape is None else f"{shape} or ()"
            raise ValueError(f"coefficients: expected shape {wanted}, got {tuple(coefficients.shape)}")
        check_measure(reduction, power)
        self.shape = expected
        self.reduction = reduction
        self.power = power
        self.register_buffer("coefficients", coefficients.detach())
        self.register_buffer("points", None if points is None else points.detach())
        self.register_buffer("source_points", None if source_points is None else source_points.detach())

    def forward(self, weight: Tensor) -> Tensor:
        """The penalty `()` of a weight `(rows, cols)`."""
        if tuple(weight.shape) != self.shape:
            raise ValueError(f"weight: expected shape {self.shape}, got {tuple(weight.shape)}")
        constant = self.coefficients.ndim == 0
        if self.power == 1:
            # |w| = sign(w) w with a constant sign: forward is a dot product, backward a product with the one tensor
            # that is kept, and no matrix of terms is written. Memory traffic is all that this costs: 12 matrices read
            # or written, where the mean of a product takes 16.
            slope = weight.detach().sign()  # (rows, cols)
            if not constant:
                slope = slope * self.coefficients
            total = torch.dot(slope.flatten(), weight.to(slope.dtype).flatten())
        else:
            size = weight.abs().pow(self.power)  # (rows, cols)
            total = (size if constant else self.coefficients * size).sum()
        if self.reduction == "mean":
            total = total / weight.numel()
        return self.coefficients * total if constant else total

    def mean_coefficient(self) -> float:
        """The mean coefficient over all entries of the weight: the coefficient of an L1 of the same strength."""
        return self.coefficients.mean(dtype=torch.float64).item()

    def extra_repr(self) -> str:
        """The shape of the weight, the reduction and the power."""
        return f"shape={self.shape}, reduction={self.reduction!r}, power={self.power:g}"


def check_measure(reduction: str, power: float) -> None:
    """Raise a ValueError unless a penalty can be measured so."""
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction: expected 'mean' or 'sum', got {reduction!r}")
    if not 1 <= power < math.inf:
        raise ValueError(f"power: expected a finite number of at least 1, got {power}")
