"""Readings of a learning curve: the steps until it reaches a threshold, its value at a step, and its best value."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from .._errors import BenchError
from ..experiment import StageResult
from ._readings import RERUN, Reading


@dataclass(frozen=True)
class _CurveReading(Reading):
    """A number read from the learning curve of a metric on the validation split."""

    metric: str

    @property
    def course(self) -> str:
        """The metric."""
        return self.metric

    @property
    def needs_course(self) -> bool:
        """True."""
        return True

    def _curve(self, stage: StageResult) -> list[tuple[float, float]]:
        """Return the evaluations of the metric; raise BenchError if there are none."""
        curve = evaluations(stage, self.metric)
        if not curve:
            known = dict.fromkeys(name for epoch in stage.history for name in epoch.metrics)
            raise BenchError(
                f"{self}: stage {stage.name!r} has no evaluations of {self.metric!r} in its history, only of "
                f"{', '.join(known) or 'nothing'}; its training needs evaluate_every, or another version of the task "
                f"produced it: {RERUN}"
            )
        return curve


@dataclass(frozen=True)
class StepsTo(_CurveReading):
    """Optimizer steps until a metric of the validation split first reaches a threshold.

    Values between two evaluations are interpolated linearly. A run that is past the threshold at its first evaluation
    counts with the steps of that evaluation; a run that never reaches it counts with all its steps, a lower bound.
    The stage needs `Training.evaluate_every`.
    """

    threshold: float
    better: Literal["lower", "higher"] = "higher"

    def __post_init__(self) -> None:
        if not math.isfinite(self.threshold):
            raise BenchError(f"StepsTo: expected a finite threshold, got {self.threshold}")
        _check_better("StepsTo", self.better)

    def __call__(self, stage: StageResult) -> float:
        """Return the steps."""
        curve = self._curve(stage)
        if self._reached(curve[0][1]):
            return curve[0][0]
        for (step, value), (next_step, next_value) in pairwise(curve):
            if self._reached(next_value):
                share = (self.threshold - value) / (next_value - value)
                return step + share * (next_step - step)
        return float(stage.steps)

    def __str__(self) -> str:
        """Return metric and threshold."""
        return f"steps to validation {self.metric} {'>=' if self.better == 'higher' else '<='} {self.threshold:g}"

    @property
    def improves(self) -> Literal["lower"]:
        """Fewer steps are better."""
        return "lower"

    def is_bound(self, stage: StageResult) -> bool:
        """Return whether the stage never reached the threshold."""
        return not any(self._reached(value) for _, value in self._curve(stage))

    def guides(self) -> tuple[float, ...]:
        """Return the threshold."""
        return (self.threshold,)

    def remarks(self, name: str, stages: Iterable[StageResult]) -> list[str]:
        """Return how many stages never reached the threshold, one sentence per length of training."""
        stages = tuple(stages)
        total = f"{len(stages)} {'run' if len(stages) == 1 else 'runs'}"
        lengths = Counter(stage.steps for stage in stages if self.is_bound(stage))
        return [
            f"{count} of {total} of {name} did not reach {self.threshold:g} within {steps} steps; "
            f"{'it counts' if count == 1 else 'they count'} with {steps}"
            for steps, count in sorted(lengths.items())
        ]

    def _reached(self, value: float) -> bool:
        return value >= self.threshold if self.better == "higher" else value <= self.threshold


@dataclass(frozen=True)
class AtStep(_CurveReading):
    """A metric of the validation split after a number of optimizer steps.

    Values between two evaluations are interpolated linearly. The stage needs `Training.evaluate_every`.
    """

    steps: int

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise BenchError(f"AtStep: expected at least 1 step, got {self.steps}")

    def __call__(self, stage: StageResult) -> float:
        """Return the metric."""
        curve = self._curve(stage)
        first, last = curve[0][0], curve[-1][0]
        if not first <= self.steps <= last:
            raise BenchError(
                f"{self}: expected a step between the first and the last evaluation of stage {stage.name!r}, "
                f"from step {first:g} to step {last:g}"
            )
        values = dict(curve)
        if self.steps in values:
            return values[self.steps]
        neighbours = (pair for pair in pairwise(curve) if pair[0][0] < self.steps < pair[1][0])
        (step, value), (next_step, next_value) = next(neighbours)
        return value + (self.steps - step) / (next_step - step) * (next_value - value)

    def __str__(self) -> str:
        """Return metric and step."""
        return f"validation {self.metric} at step {self.steps}"


@dataclass(frozen=True)
class Best(_CurveReading):
    """The best value of a metric over all its evaluations on the validation split.

    It is selected on the data that it is measured on, so that it is better than the metric of a network chosen by it
    on new data, the more so the more evaluations there are. The stage needs `Training.evaluate_every`.
    """

    better: Literal["lower", "higher"]

    def __post_init__(self) -> None:
        _check_better("Best", self.better)

    def __call__(self, stage: StageResult) -> float:
        """Return the metric at its best evaluation."""
        return (max if self.better == "higher" else min)(value for _, value in self._curve(stage))

    def __str__(self) -> str:
        """Return the name of the metric."""
        return f"best validation {self.metric}"

    @property
    def improves(self) -> Literal["lower", "higher"]:
        """The direction in which the metric improves."""
        return self.better


def _check_better(reading: str, better: str) -> None:
    """Raise `BenchError` for a direction that does not exist."""
    if better not in ("lower", "higher"):
        raise BenchError(f"{reading}: expected better to be 'lower' or 'higher', got {better!r}")


def evaluations(stage: StageResult, metric: str) -> list[tuple[float, float]]:
    """Return optimizer steps and value of every evaluation of a metric on the validation split, in order."""
    return [
        (number * stage.steps / len(stage.history), epoch.metrics[metric])
        for number, epoch in enumerate(stage.history, start=1)
        if metric in epoch.metrics
    ]
