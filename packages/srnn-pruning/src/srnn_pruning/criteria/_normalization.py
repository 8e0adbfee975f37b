"""Division of scores by the sensitivity of the hidden state, gamma (eq. 5 of arXiv 1912.00120).

The sensitivity is that of s = sum_i h_i(S), the sum of the last hidden state of each layer. It is taken over sequences
drawn from N(0, 0.1), standard deviation 0.1, from a state of 0, as many and as long as those that each layer reads, or
over these themselves.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from .._dynamics import gradients, last_sum
from .._errors import PruningError
from .._sequence import Sequence
from .._sequences import sequences
from ._cells_in_scope import CellsInScope, cells_in_scope
from ._per_sample import mean_absolute, mean_square

Normalization = Literal["gamma", "data", "rms", "mean_abs", "none"]
"""What a score is divided by, for each weight w. "gamma": |mean of ds/dw| over N(0, 0.1) sequences, the paper's.
"data": |mean of ds/dw| over the batch. "rms" and "mean_abs": root mean square and mean absolute value of ds/dw over
single N(0, 0.1) sequences. "none": 1."""

_SD = 0.1
_EPSILON = 1e-8  # of the median of the nonzero denominators


def needs_run(normalization: Normalization) -> bool:
    """Return whether the module has to be run to normalize."""
    return normalization != "none"


def draws(normalization: Normalization) -> bool:
    """Return whether sequences are drawn at random."""
    return normalization in ("gamma", "rms", "mean_abs")


def normalized(
    scores: Mapping[str, Tensor],
    normalization: Normalization,
    *,
    module: nn.Module | None,
    parameters: Mapping[str, Tensor],
    run: Callable[[], object] | None,
    generator: torch.Generator | None,
) -> dict[str, Tensor]:
    """Return scores divided by the denominators of a normalization, those of `none` unchanged.

    Raises PruningError for a parameter that belongs to no recurrence, and if all denominators are 0.
    """
    if not needs_run(normalization):
        return dict(scores)
    cells = cells_in_scope(module, parameters)
    assert module is not None and run is not None
    read = sequences(module, {key: cell for key, (cell, _) in cells.items()}, run)
    return divided(scores, denominators(normalization, cells, read, generator))


def denominators(
    normalization: Normalization, cells: CellsInScope, read: Mapping[str, Sequence], generator: torch.Generator | None
) -> dict[str, Tensor]:
    """Return the denominator of each weight, at least 0; that of a weight that several cells share is their sum."""
    sensitivities: dict[str, Tensor] = {}
    for key, (cell, weights) in cells.items():
        sequence = read[key] if normalization == "data" else noise(read[key], generator)
        match normalization:
            case "rms":
                values = [each.sqrt() for each in mean_square(cell, list(weights.values()), sequence)]
            case "mean_abs":
                values = mean_absolute(cell, list(weights.values()), sequence)
            case _:
                mean = last_sum(cell, sequence).mean()
                values = [each.abs() for each in gradients(mean, list(weights.values()))]
        for name, value in zip(weights, values, strict=True):
            sensitivities[name] = sensitivities[name] + value if name in sensitivities else value
    return sensitivities


def noise(like: Sequence, generator: torch.Generator | None) -> Sequence:
    """Return sequences from N(0, 0.1), from a state of 0, as many and as long as others."""
    assert generator is not None
    normal = torch.randn(like.inputs.shape, generator=generator, device=generator.device, dtype=torch.float32)
    return Sequence(_SD * normal.to(like.inputs), torch.zeros_like(like.state), like.lengths)


def divided(scores: Mapping[str, Tensor], denominators: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return scores / (denominators + epsilon), so 0 / 0 is 0, in float32 where they have fewer bits.

    Epsilon is 1e-8 times the median of the nonzero denominators of all weights. Raises PruningError if all are 0. NaN
    in scores or denominators stays NaN.
    """
    positive = torch.cat([each[each > 0].flatten() for each in denominators.values()])
    if not len(positive) and any(bool(each.isnan().any()) for each in denominators.values()):
        positive = torch.full((1,), torch.nan)
    if not len(positive):
        raise PruningError(
            "normalization: expected a last hidden state that depends on some weight, got denominators that are all 0; "
            "use another normalization"
        )
    epsilon = _EPSILON * positive.double().median()
    wide = {name: score.to(torch.promote_types(score.dtype, torch.float32)) for name, score in scores.items()}
    return {name: score / (denominators[name].to(score) + epsilon.to(score)) for name, score in wide.items()}
