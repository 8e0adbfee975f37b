"""The states of a cell along its sequences, and how the last one depends on the weights."""

from collections.abc import Sequence as Series

import torch
from torch import Tensor

from ._cell import Cell
from ._sequence import Sequence


def visited(cell: Cell, sequence: Sequence) -> list[Tensor]:
    """Return the T + 1 states (B, S) of a cell along its sequences, the first one included."""
    states = [sequence.state]
    for step, x in enumerate(sequence.inputs):
        state = cell.step(x, states[-1])  # (B, S)
        if sequence.lengths is not None:
            state = torch.where(sequence.active(step)[:, None], state, states[-1])
        states.append(state)
    return states


def last_sum(cell: Cell, sequence: Sequence) -> Tensor:
    """Return sum_i h_i(S), (B,), the sum of the last hidden state of each sequence."""
    return cell.output(visited(cell, sequence)[-1]).sum(-1)


def gradients(output: Tensor, weights: Series[Tensor], *, keep: bool = False) -> list[Tensor]:
    """Return the gradient of a scalar for each weight, 0 where it does not depend on it. `keep`: keep the graph."""
    if not output.requires_grad:
        return [torch.zeros_like(weight) for weight in weights]
    return list(torch.autograd.grad(output, list(weights), retain_graph=keep, materialize_grads=True))
