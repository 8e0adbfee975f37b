"""Readings: how a table's number is read from a finished stage.

A held-out metric, the steps that a learning curve takes to a threshold, its height at a step, a count of weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal, Protocol

from ..experiment import StageResult

if TYPE_CHECKING:
    pass


AGAIN = "`srnn run --refresh` makes it again"


class Reading(Protocol):
    """What reads a number from a finished stage; its text names it in messages.

    It raises ValueError where the stage does not hold what it needs.
    """

    def __call__(self, stage: StageResult) -> float:
        """Return the number."""

    def __str__(self) -> str:
        """Name what is read."""


@dataclass(frozen=True)
class HeldOut:
    """A metric of the finished stage on held-out data; what a cell means by the name of a metric."""

    metric: str

    def __call__(self, stage: StageResult) -> float:
        """Return the metric."""
        if self.metric not in stage.metrics:
            raise ValueError(
                f"stage {stage.name!r} has no metric {self.metric!r}, only {', '.join(stage.metrics)}; "
                f"was it made by another version of its task? {AGAIN}"
            )
        return stage.metrics[self.metric]

    def __str__(self) -> str:
        """Name the metric."""
        return self.metric


@dataclass(frozen=True)
class StepsTo:
    """Optimizer steps until a metric of the validation split first reaches a threshold.

    Between two evaluations the metric is taken as a straight line. A run that is there at its first evaluation counts
    with the steps of that evaluation, one that never gets there with all its steps, which is a lower bound.
    The stage needs `Training.evaluate_every`.
    """

    metric: str
    threshold: float
    better: Literal["lower", "higher"] = "higher"

    def __post_init__(self) -> None:
        if not math.isfinite(self.threshold):
            raise ValueError(f"StepsTo: expected a finite threshold, got {self.threshold}")
        if self.better not in ("lower", "higher"):
            raise ValueError(f"StepsTo: expected better to be 'lower' or 'higher', got {self.better!r}")

    def __call__(self, stage: StageResult) -> float:
        """Return the steps."""
        before: tuple[float, float] | None = None
        for steps, value in _course(stage, self.metric, self):
            if self._there(value):
                return steps if before is None else _between(before, (steps, value), self.threshold)
            before = steps, value
        return float(stage.steps)

    def reached(self, stage: StageResult) -> bool:
        """Whether the stage ever reached the threshold."""
        return any(self._there(value) for _, value in _course(stage, self.metric, self))

    def _there(self, value: float) -> bool:
        return value >= self.threshold if self.better == "higher" else value <= self.threshold

    def __str__(self) -> str:
        """Name metric and threshold."""
        return f"steps to validation {self.metric} {'>=' if self.better == 'higher' else '<='} {self.threshold:g}"


@dataclass(frozen=True)
class AtStep:
    """A metric of the validation split after a number of optimizer steps.

    Between two evaluations the metric is taken as a straight line. The stage needs `Training.evaluate_every`.
    """

    metric: str
    steps: int

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"AtStep: expected at least 1 step, got {self.steps}")

    def __call__(self, stage: StageResult) -> float:
        """Return the metric."""
        course = _course(stage, self.metric, self)
        (first, value), (last, _) = course[0], course[-1]
        if not first <= self.steps <= last:
            raise ValueError(
                f"{self}: expected a step of the curve of stage {stage.name!r}, which has evaluations from step "
                f"{first:g} to step {last:g}"
            )
        before = first, value
        for steps, value in course:
            if steps == self.steps:
                return value
            if steps > self.steps:
                break
            before = steps, value
        share = (self.steps - before[0]) / (steps - before[0])
        return before[1] + share * (value - before[1])

    def __str__(self) -> str:
        """Name metric and step."""
        return f"validation {self.metric} at step {self.steps}"


@dataclass(frozen=True)
class WeightsPresent:
    """Number of weights farther from 0 than 1e-5, over all weight matrices that a glob matches."""

    parameter_globs: tuple[str, ...]

    def __post_init__(self) -> None:
        if isinstance(self.parameter_globs, str) or not self.parameter_globs:
            raise ValueError(f"Present: expected a tuple of globs, got {self.parameter_globs!r}")

    def __call__(self, stage: StageResult) -> float:
        """Return the number; a matrix counts once, however many globs match it."""
        if not stage.present:
            raise ValueError(
                f"{self}: stage {stage.name!r} has no numbers of weights; was it made by an older version? {AGAIN}"
            )
        for glob in self.parameter_globs:
            if not any(fnmatchcase(name, glob) for name in stage.present):
                raise ValueError(
                    f"{self}: {glob!r} matches no weight matrix of stage {stage.name!r}; "
                    f"it has {', '.join(stage.present)}"
                )
        matched = (
            number
            for name, number in stage.present.items()
            if any(fnmatchcase(name, glob) for glob in self.parameter_globs)
        )
        return float(sum(matched))

    def __str__(self) -> str:
        """Name the globs."""
        return f"weights present of {', '.join(self.parameter_globs)}"


def reading(metric: str | Reading) -> Reading:
    """Return the reading that a cell means."""
    return HeldOut(metric) if isinstance(metric, str) else metric


def evaluations(stage: StageResult, metric: str) -> list[tuple[float, float]]:
    """Return steps and value of every evaluation of a metric on the validation split, in order."""
    return [
        (number * stage.steps / len(stage.history), epoch.metrics[metric])
        for number, epoch in enumerate(stage.history, start=1)
        if metric in epoch.metrics
    ]


def _course(stage: StageResult, metric: str, asked: Reading) -> list[tuple[float, float]]:
    """Return the evaluations of a metric; that there is none is an error."""
    course = evaluations(stage, metric)
    if not course:
        known = dict.fromkeys(name for epoch in stage.history for name in epoch.metrics)
        raise ValueError(
            f"{asked}: stage {stage.name!r} has no evaluations of {metric!r} in its history, only of "
            f"{', '.join(known) or 'nothing'}; does its training have evaluate_every, and was it made by another "
            f"version of its task? {AGAIN}"
        )
    return course


def _between(before: tuple[float, float], after: tuple[float, float], value: float) -> float:
    """Return the steps at which the line from one evaluation to the next has a value between theirs."""
    share = (value - before[1]) / (after[1] - before[1])
    return before[0] + share * (after[0] - before[0])
