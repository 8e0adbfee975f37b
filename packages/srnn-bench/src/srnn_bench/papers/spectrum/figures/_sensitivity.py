"""gamma, the denominator of the paper's score (eq. 5 of arXiv 1912.00120): is it more than sampling noise?

For a tanh RNN without biases x -> -x gives h -> -h, so the gradients of sum_i h_i(S) for x and -x are opposite, and the
expectation of gamma over a symmetric distribution is exactly 0 for every weight.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from srnn_pruning import recurrences

SD = 0.1  # of the inputs

_AT_ONCE = 256  # sequences


def noise(steps: int, batch: int, inputs: int, *, generator: torch.Generator) -> Tensor:
    """Return inputs (T, B, I) from N(0, 0.1), standard deviation 0.1."""
    return SD * torch.randn(steps, batch, inputs, generator=generator)


def sensitivity(module: nn.Module, inputs: Tensor) -> Tensor:
    """Return the mean over sequences (T, B, I) of the gradient of sum_i h_i(T), for all weights in one vector (E,).

    The module has one recurrence, which starts from zeros. Input weights come first.
    """
    (cell,) = recurrences(module).values()
    names = (*cell.weights["input"], *cell.weights["recurrent"])
    weights = [module.get_parameter(name) for name in names]
    total = torch.zeros(sum(weight.numel() for weight in weights), dtype=inputs.dtype)
    for part in torch.split(inputs, _AT_ONCE, dim=1):
        state = part.new_zeros(part.shape[1], cell.state_size)
        for x in part:
            state = cell.step(x, state)  # (B, S)
        found = torch.autograd.grad(cell.output(state).sum(), weights, materialize_grads=True)
        total += torch.cat([each.flatten() for each in found])
    return total / inputs.shape[1]


def root_mean_square(values: Tensor) -> float:
    """Return the root of the mean square."""
    return float(values.double().square().mean().sqrt())


def correlation_of(one: Tensor, other: Tensor) -> float:
    """Return Pearson's correlation of two vectors."""
    return float(torch.corrcoef(torch.stack([one, other]).double())[0, 1])
