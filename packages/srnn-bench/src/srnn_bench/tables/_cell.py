"""A table of a paper: its cells, each an experiment, a stage and a metric, beside the paper's numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..experiment import Experiment
from ._readings import Reading

if TYPE_CHECKING:
    pass


Scale = Literal["smoke", "quick", "paper"]

SCALES: tuple[Scale, ...] = ("smoke", "quick", "paper")


@dataclass(frozen=True)
class Published:
    """A number of a paper: mean, standard deviation as the paper gives it, number of runs."""

    mean: float
    sd: float | None = None
    n: int | None = None


@dataclass(frozen=True)
class Cell:
    """One place of a table: the number that a stage of an experiment gives, over the table's seeds.

    `metric` names a held-out metric of the finished stage, or is another reading of it, such as `StepsTo`.
    The table shows `factor` times the number, such as 100 for a share in %.
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
