"""A cell of a table: an experiment, a stage and a reading, with the number that the paper gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..experiment import Experiment
from ._readings import HeldOut, Reading

Scale = Literal["smoke", "quick", "paper"]

SCALES: tuple[Scale, ...] = ("smoke", "quick", "paper")

Place = tuple[str, str]  # row and column


@dataclass(frozen=True)
class Published:
    """A number of a paper: mean, standard deviation as the paper gives it, number of runs."""

    mean: float
    sd: float | None = None
    n: int | None = None


@dataclass(frozen=True)
class Cell:
    """One cell of a table: the number that a stage of an experiment gives, over the seeds of the table.

    `metric` is the name of a held-out metric of the finished stage, or another reading of it, such as `StepsTo`.
    The table shows `factor` times the number, e.g. 100 for a share in %.
    """

    row: str
    column: str
    experiment: Experiment
    stage: str
    metric: str | Reading
    published: Published | None = None
    factor: float = 1.0

    @property
    def name(self) -> str:
        """Row and column."""
        return f"{self.row}, {self.column}"

    @property
    def place(self) -> Place:
        """Row and column, as claims refer to the cell."""
        return self.row, self.column

    @property
    def reading(self) -> Reading:
        """The reading that `metric` stands for."""
        return HeldOut(self.metric) if isinstance(self.metric, str) else self.metric
