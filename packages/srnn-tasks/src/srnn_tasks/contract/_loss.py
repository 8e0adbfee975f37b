"""The losses of the contract: one value per time step and row, reduced by a weighted mean."""

import torch
from torch import Tensor
from torch.nn import functional

from ._batch import Batch
from ._error import TaskError
from ._spec import LossKind


def position_losses(kind: LossKind, outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the loss at every time step and row, `(T, B)`, in nats or squared target units.

    outputs: `(T, B, O)`: logits for the two cross entropies, values for the squared error.

    - `cross_entropy`: targets `(T, B)` int64 classes.
    - `distribution_cross_entropy`: targets `(T, B, O)`, non-negative, summing to 1 over O; -sum y log softmax(outputs).
    - `mean_squared_error`: targets `(T, B, O)`; the mean over O.

    Raises a TaskError for `own`, the kind of a source that overrides `loss`.
    """
    if kind == "own":
        raise TaskError(
            "loss: 'own' names no loss; a source whose spec has it overrides loss(outputs, batch), for example with "
            "weighted_mean(losses, batch.weight) of its losses (T, B)"
        )
    expected = outputs.shape[:2] if kind == "cross_entropy" else outputs.shape
    if outputs.ndim != 3 or targets.shape != expected:
        raise TaskError(
            f"loss {kind}: outputs (T, B, O) {tuple(outputs.shape)} do not fit targets {tuple(targets.shape)}"
        )
    if kind == "mean_squared_error":
        return (outputs - targets).square().mean(-1)  # (T, B)
    losses = functional.cross_entropy(outputs.flatten(0, 1), targets.flatten(0, 1), reduction="none")  # (T * B,)
    return losses.view(outputs.shape[:2])  # (T, B)


def weighted_mean(values: Tensor, weight: Tensor | None) -> Tensor:
    """Return sum(weight * values) / sum(weight), a scalar.

    A weight of None means 1 everywhere. If all weights are 0, the result is 0.

    values, weight: `(T, B)`.

    >>> weighted_mean(torch.tensor([[1.0], [4.0]]), torch.tensor([[1.0], [3.0]]))
    tensor(3.2500)
    """
    if weight is None:
        return values.mean()
    return (values * weight).sum() / weight.sum().clamp_min(torch.finfo(weight.dtype).tiny)


def batch_loss(kind: LossKind, outputs: Tensor, batch: Batch) -> Tensor:
    """Return the weighted mean of `position_losses` over T and B, a scalar. outputs: `(T, B, O)`."""
    return weighted_mean(position_losses(kind, outputs, batch.targets), batch.weight)
