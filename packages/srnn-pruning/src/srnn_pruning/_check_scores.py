"""Checks of scores before weights are chosen by them."""

from collections.abc import Mapping

from torch import Tensor

from ._errors import PruningError
from .criteria import Criterion


def check_numbers(scores: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    """Raise PruningError for scores that are NaN; the message counts NaN and infinite weights, a likely cause."""
    for name, score in scores.items():
        count = int(_wide(score).isnan().count_nonzero())
        if count:
            sick = {each: number for each, weight in weights.items() if (number := _not_finite(weight.detach()))}
            cause = ", ".join(f"{each} has {number} of {weights[each].numel()}" for each, number in sick.items())
            raise PruningError(
                f"{name}: expected scores that can be ranked, got {count} NaN of {score.numel()}; NaN or infinite "
                f"weights: {cause or 'none in scope, but the batch, the loss or other weights may contain some'}"
            )


def check_not_all_zero(criterion: Criterion, scores: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> None:
    """Raise PruningError if no present weight has a score other than 0: their order would be their position."""
    if not any(bool(score[present[name]].any()) for name, score in scores.items()):
        depend = "the loss" if "loss" in criterion.wants else "the recurrent Jacobians"
        raise PruningError(
            f"scores: expected some that differ from 0, got 0 for every weight from {type(criterion).__name__}: "
            f"{depend} of this batch may not depend on the weights in scope (e.g. detached outputs, or units that are "
            "all saturated or dead)"
        )


def _not_finite(values: Tensor) -> int:
    return int((~_wide(values).isfinite()).count_nonzero())


def _wide(values: Tensor) -> Tensor:
    """Return values of float8, which has no isnan, as float32; others unchanged."""
    return values.float() if values.is_floating_point() and values.dtype.itemsize == 1 else values
