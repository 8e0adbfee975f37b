"""Moments over single sequences of the gradient of sum_i h_i(S) with respect to the weights of a cell."""

from collections.abc import Callable
from collections.abc import Sequence as Series

import torch
from torch import Tensor

from .._recurrences import Cell
from .._sequences import Sequence
from ._dynamics import gradients, last_sum


def mean_square(cell: Cell, weights: Series[Tensor], sequence: Sequence) -> list[Tensor]:
    """Return the mean over sequences of the squared gradient, for each weight."""
    return _mean(torch.square, cell, weights, sequence)


def mean_absolute(cell: Cell, weights: Series[Tensor], sequence: Sequence) -> list[Tensor]:
    """Return the mean over sequences of the absolute gradient, for each weight."""
    return _mean(torch.abs, cell, weights, sequence)


def _mean(moment: Callable[[Tensor], Tensor], cell: Cell, weights: Series[Tensor], sequence: Sequence) -> list[Tensor]:
    sums = [torch.zeros_like(weight) for weight in weights]
    batch = sequence.inputs.shape[1]
    for place in range(batch):
        lengths = None if sequence.lengths is None else sequence.lengths[place : place + 1]
        single = Sequence(sequence.inputs[:, place : place + 1], sequence.state[place : place + 1], lengths)
        for total, gradient in zip(sums, gradients(last_sum(cell, single).sum(), weights), strict=True):
            total += moment(gradient)
    return [total / batch for total in sums]
