"""Readings: the number of a table cell, read from a finished stage.

Here are the base class, held-out metrics and counts of weights; `_curve_readings` has those of learning curves.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from .._errors import BenchError
from ..experiment import StageResult

RERUN = "re-run it with `srnn run --refresh`"


@dataclass(frozen=True)
class Reading(ABC):
    """A number read from a finished stage; `str(reading)` names it in messages.

    A subclass defines `__call__` and `__str__`, and overrides the other members that apply to it.
    """

    @abstractmethod
    def __call__(self, stage: StageResult) -> float:
        """Return the number; raise BenchError if the stage does not contain what it is read from."""

    @abstractmethod
    def __str__(self) -> str:
        """Return the name of the number."""

    @property
    def course(self) -> str | None:
        """Metric whose learning curve on the validation split belongs to the number, None if there is none."""
        return None

    @property
    def needs_course(self) -> bool:
        """Whether the number is read from that learning curve, so that the stage needs `Training.evaluate_every`."""
        return False

    @property
    def reads_losses(self) -> bool:
        """Whether the number is read from the training losses of the epochs, which published runs then keep."""
        return False

    @property
    def improves(self) -> Literal["lower", "higher"] | None:
        """Direction in which the number improves, None if that depends on the metric."""
        return None

    def is_bound(self, stage: StageResult) -> bool:
        """Return whether the number of this stage is only a bound on the true one, at its worse end."""
        return False

    def guides(self) -> tuple[float, ...]:
        """Return the values at which a figure of the learning curve draws horizontal lines."""
        return ()

    def remarks(self, name: str, stages: Iterable[StageResult]) -> Sequence[str]:
        """Return sentences that a report prints about the stages of the cell `name`."""
        return ()


@dataclass(frozen=True)
class HeldOut(Reading):
    """A metric of the finished stage on held-out data; a cell whose `metric` is a string reads this."""

    metric: str

    def __call__(self, stage: StageResult) -> float:
        """Return the metric."""
        if self.metric not in stage.metrics:
            raise BenchError(
                f"stage {stage.name!r} has no metric {self.metric!r}, only {', '.join(stage.metrics)}; "
                f"another version of the task may have produced it: {RERUN}"
            )
        return stage.metrics[self.metric]

    def __str__(self) -> str:
        """Return the name of the metric."""
        return self.metric

    @property
    def course(self) -> str:
        """The metric, which the stage may also have been evaluated on while it trained."""
        return self.metric


@dataclass(frozen=True)
class WeightsPresent(Reading):
    """Number of weights whose absolute value exceeds 1e-5, over all weight matrices that match one of the globs."""

    parameter_globs: tuple[str, ...]

    def __post_init__(self) -> None:
        if isinstance(self.parameter_globs, str) or not self.parameter_globs:
            raise BenchError(f"WeightsPresent: expected a tuple of globs, got {self.parameter_globs!r}")

    def __call__(self, stage: StageResult) -> float:
        """Return the number; a matrix that several globs match counts once."""
        if not stage.present:
            raise BenchError(
                f"{self}: stage {stage.name!r} has no weight counts; an older version may have produced it: {RERUN}"
            )
        for glob in self.parameter_globs:
            if not any(fnmatchcase(name, glob) for name in stage.present):
                raise BenchError(
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
        """Return the globs."""
        return f"weights present of {', '.join(self.parameter_globs)}"
