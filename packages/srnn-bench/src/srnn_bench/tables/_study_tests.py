"""The tests of claims about studies, on the losses of their draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch

from .._errors import BenchError
from ._draw import Group
from ._forest import Array
from ._prediction import Prediction, predict
from ._study import Study
from ._study_claim import (
    LowerLoss,
    MoreOftenUnstable,
    Predicts,
    PredictsBetter,
    RankCorrelation,
    ShareUnstable,
    StudyTest,
)
from ._study_losses import StudyLosses
from ._study_statistics import (
    Interval,
    detectable_share,
    difference_of_shares,
    lower,
    mean_above_zero,
    quantile,
    rank_correlation,
    ratio_interval,
    share,
)

POWER = 0.8


@dataclass(frozen=True)
class Outcome:
    """What a test of a study found.

    Attributes:
        test: The test as declared.
        draws: Number of draws of each of its groups.
        estimate: The estimate of its number.
        interval: 95 % interval of the number.
        p_for, p_against: One-sided p values that it lies on the side of the bound as claimed, and on the other one.
        error: Standard error of the estimate if the number is the bound, for tests in which it depends on the results.
    """

    test: StudyTest
    draws: tuple[int, ...]
    estimate: float
    interval: Interval
    p_for: float
    p_against: float
    error: float | None = None

    def detectable(self, level: float) -> float | None:
        """Return the distance from the bound that is found in 80 % of studies like this; see `detectable`."""
        if self.error is not None:
            return _normal_distance(self.error, level)
        return detectable(self.test, self.draws, level)


def detectable(test: StudyTest, draws: Sequence[int], level: float) -> float | None:
    """Return how far from its bound a number is found with 80 % power, given the draws in each group of its test.

    `level` is that of the one-sided test. By the normal distribution, for shares by the binomial one. None if it
    depends on the results, or no number is far enough.
    """
    if min(draws) < 2:
        return None
    if isinstance(test, LowerLoss):
        m, n = draws
        return _normal_distance(math.sqrt((m + n + 1) / (12 * m * n)), level)
    if isinstance(test, RankCorrelation):
        return _normal_distance(1 / math.sqrt(draws[0] - 1), level)
    if isinstance(test, ShareUnstable):
        found = detectable_share(test.share, draws[0], level, above=test.above, power=POWER)
        return None if found is None else abs(found - test.share)
    return None


def _normal_distance(error: float, level: float) -> float:
    return (quantile(1 - level) + quantile(POWER)) * error


@singledispatch
def outcome(test: StudyTest, losses: StudyLosses, study: Study) -> Outcome | str:
    """Return what a test found, or why it cannot be made."""
    raise TypeError(f"expected a test of a study, got {test!r}")


@outcome.register
def _(test: LowerLoss, losses: StudyLosses, study: Study) -> Outcome | str:
    ours, theirs = losses.of(test.ours), losses.of(test.theirs)
    if few := _too_few(losses, test):
        return few
    estimate, interval, (above, below) = lower(ours.bounded.tolist(), theirs.bounded.tolist())
    return Outcome(test, (len(ours.draws), len(theirs.draws)), estimate, interval, above, below)


@outcome.register
def _(test: RankCorrelation, losses: StudyLosses, study: Study) -> Outcome | str:
    found = losses.of(test.group)
    result = rank_correlation(
        found.feature(test.feature), found.bounded if test.of == "loss" else found.unstable.astype(float)
    )
    if result is None:
        return f"no rank correlation: fewer than four draws, or no spread, in {test}"
    estimate, interval, (above, below) = result
    return Outcome(test, (len(found.draws),), estimate, interval, above, below)


@outcome.register
def _(test: ShareUnstable, losses: StudyLosses, study: Study) -> Outcome | str:
    if few := _too_few(losses, test):
        return few
    found = losses.of(test.group)
    n = len(found.draws)
    estimate, interval, (above, below) = share(int(found.unstable.sum()), n, test.share)
    sides = (above, below) if test.above else (below, above)
    return Outcome(test, (n,), estimate, interval, *sides)


@outcome.register
def _(test: MoreOftenUnstable, losses: StudyLosses, study: Study) -> Outcome | str:
    if few := _too_few(losses, test):
        return few
    one, other = losses.of(test.group), losses.of(test.than)
    counts, totals = (int(one.unstable.sum()), int(other.unstable.sum())), (len(one.draws), len(other.draws))
    estimate, interval, (more, less) = difference_of_shares(counts, totals)
    pooled = sum(counts) / sum(totals)
    error = math.sqrt(pooled * (1 - pooled) * sum(1 / total for total in totals))
    return Outcome(test, totals, estimate, interval, more, less, error or None)


@outcome.register
def _(test: Predicts, losses: StudyLosses, study: Study) -> Outcome | str:
    found = _predicted(losses, study, test.inputs)
    if isinstance(found, str):
        return found
    gains = found.errors_of_means - found.errors
    return _gained(test, gains, found, found.r2) or f"the squared errors do not vary: {test}"


@outcome.register
def _(test: PredictsBetter, losses: StudyLosses, study: Study) -> Outcome | str:
    one, other = (_predicted(losses, study, name) for name in (test.inputs, test.than))
    if isinstance(one, str):
        return one
    if isinstance(other, str):
        return other
    gains = other.errors - one.errors
    return _gained(test, gains, one, one.r2 - other.r2) or f"the squared errors do not differ: {test}"


def _gained(test: StudyTest, gains: Array, of: Prediction, estimate: float) -> Outcome | None:
    """Return the outcome of squared errors that are smaller by `gains` `(D,)`; None if these do not vary."""
    sides = mean_above_zero(gains)
    if sides is None:
        return None
    error = float(gains.std(ddof=1) * math.sqrt(len(gains)) / of.errors_of_means.sum())
    interval = ratio_interval(gains, of.errors_of_means)
    return Outcome(test, (len(gains),), estimate, interval, *sides, error)


def _predicted(losses: StudyLosses, study: Study, inputs: str) -> Prediction | str:
    try:
        return predict(losses, study.inputs[inputs])
    except BenchError as error:
        return str(error)


def _too_few(losses: StudyLosses, test: StudyTest) -> str | None:
    """Return which group has fewer than two draws, None if none has."""
    return next((_few(group, losses) for group in test.groups if len(losses.of(group).draws) < 2), None)


def _few(group: Group, losses: StudyLosses) -> str:
    return f"a test needs two draws per group, and ({group}) has {len(losses.of(group).draws)}"
