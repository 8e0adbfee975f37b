"""What the tables of arXiv 2509.15057 share: what a table measures, its columns and rows, and its plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from srnn_tasks import AnyTask

from ...experiment import Training
from ...tables import AtStep, Best, Cell, Claim, Contrast, Plan, Reading, Scale, Table, beats
from ._networks import Net

SOURCE = "arXiv 2509.15057, {}"

OWN = "Not in the paper"

BEST, LAST, TEST = "best epoch", "last epoch", "test"  # columns


@dataclass(frozen=True)
class Measure:
    """What the cells of a table show, and how differences of it are judged.

    - `name`, `unit`: of the number, which is `factor` times the `metric` of the task.
    - `margin`, `failure`: smallest difference that matters, and value of a network that learned nothing, in that unit;
      `reason` says why, in one sentence. None for a measure without such a value.
    """

    name: str
    metric: str
    unit: str
    better: Literal["lower", "higher"]
    factor: float
    margin: float
    failure: float | None
    reason: str

    def columns(self, steps: int) -> dict[str, str | Reading]:
        """Return the columns of a table: two of the validation split, of all `steps` of the training, and the test."""
        return {BEST: Best(self.metric, self.better), LAST: AtStep(self.metric, steps), TEST: self.metric}

    def rows(self, nets: Mapping[str, Net], task: AnyTask, training: Training, *, steps: int) -> list[Cell]:
        """Return one row per network, trained on the task in `steps` steps, with the columns of `columns`."""
        return rows_of(nets, task, training, self.columns(steps), factor=self.factor)

    def table(
        self,
        name: str,
        scale: Scale,
        *,
        title: str,
        source: str,
        cells: Sequence[Cell],
        claims: Sequence[Claim],
        note: str,
        seeds: tuple[int, ...],
        family: str = "",
    ) -> Table:
        """Return a table that is planned for these seeds; `note` says what they can decide.

        A smoke run fixes no seeds.
        """
        smoke = scale == "smoke"
        return Table(
            name=name,
            scale=scale,
            title=title,
            source=source,
            metric=self.name,
            unit=self.unit,
            better=self.better,
            seeds=seeds,
            cells=tuple(cells),
            claims=tuple(claims),
            family=family,
            plan=Plan(
                seeds=() if smoke else seeds,
                margin=self.margin,
                failure_threshold=None if smoke else self.failure,
                note=f"{note} {self.reason}",
            ),
        )


ACCURACY = Measure(
    name="Right answers",
    metric="accuracy",
    unit="%",
    better="higher",
    factor=100.0,
    margin=2.0,  # our reading of "close"
    failure=13.0,  # 1 in 9 is 11.1, and the best of 12 evaluations of 5,000 series about 12
    reason="2 points and the threshold of 13 % (chance is 11.1 %) are our choice.",
)


def rows_of(
    nets: Mapping[str, Net],
    task: AnyTask,
    training: Training,
    columns: Mapping[str, str | Reading],
    *,
    factor: float = 1.0,
) -> list[Cell]:
    """Return one row per network, trained on the task, and one column per reading of its run."""
    return [
        Cell(row, column, net.trained(task, training), "trained", reading, factor=factor)
        for row, net in nets.items()
        for column, reading in columns.items()
    ]


def above(row: str, *others: str, column: str = BEST) -> tuple[Contrast, ...]:
    """Return the contrasts that a network is better than each of others, in one column."""
    return tuple(beats((row, column), over=(other, column)) for other in others)
