"""J, the derivative of the hidden state by the one before, at the last steps of sequences (section 2.2.2)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from srnn_pruning import Cell, recurrences, sequences

LAST = 4  # transitions, as many as the paper's score reads


def jacobians(module: nn.Module, run: Callable[[], object], *, samples: int, last: int = LAST) -> Tensor:
    """Return J of the last transitions of the first samples of a batch, `(last, samples, N, N)`, row = new unit.

    The module has one recurrence; `run` runs it on the batch. For a state of h and c, c is held fixed.
    """
    cells = recurrences(module)
    (key,) = cells
    cell, seen = cells[key], sequences(module, cells, run)[key]
    inputs, state = seen.inputs[:, :samples], seen.state[:samples]  # (T, B, I), (B, S)
    found = []
    with torch.no_grad():
        for step, x in enumerate(inputs):
            if step >= len(inputs) - last:
                found.append(torch.stack([_of_sample(cell, *each) for each in zip(x, state, strict=True)]))
            state = cell.step(x, state)  # (B, S)
    return torch.stack(found)  # (last, B, N, N)


def _of_sample(cell: Cell, x: Tensor, state: Tensor) -> Tensor:
    """Return J of one sample, from input `(I,)` and state `(S,)`, by one backward pass through N copies of it.

    The sum of h_i of copy i has the derivative of h_i, row i of J, at copy i.
    """
    units = cell.hidden
    with torch.enable_grad():
        copies = state.detach().expand(units, -1).clone().requires_grad_()  # (N, S)
        hidden = cell.output(cell.step(x.expand(units, -1), copies))  # (N, N)
        (rows,) = torch.autograd.grad(hidden.diagonal().sum(), copies)  # (N, S)
    return rows[:, :units]
