"""Checks of scores before weights are chosen by them."""

from collections.abc import Mapping

from torch import Tensor

from ._errors import PruningError
from .criteria import Criterion


def check_numbers(scores: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    """Raise PruningError for scores that are NaN; the message counts the NaN of the weights too, a likely cause."""
    for name, score in scores.items():
        count = _nans(score)
        if count:
            sick = {each: number for each, weight in weights.items() if (number := _nans(weight.detach()))}
            cause = ", ".join(f"{each} has {number} of {weights[each].numel()}" for each, number in sick.items())
            raise PruningError(
                f"{name}: expected scores that can be ranked, got {count} NaN of {score.numel()}; NaN in the weights: "
                f"{cause or 'none'}"
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


def _nans(values: Tensor) -> int:
    if values.is_floating_point() and values.dtype.itemsize == 1:
        values = values.float()  # float8 has no isnan
    return int(values.isnan().count_nonzero())
