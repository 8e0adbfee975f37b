"""A table of a paper: its cells, each an experiment, a stage and a metric, beside the paper's numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..experiment import Experiment, Job
from ._claim import Claim
from ._readings import AtStep, StepsTo

if TYPE_CHECKING:
    from ._summary import Summary
from ._cell import Cell, Scale


def no_remarks(summary: Summary) -> Sequence[str]:
    """Say nothing."""
    return ()


@dataclass(frozen=True)
class Table:
    """A table at one scale.

    `remarks` gives sentences computed from the results, such as whether a rule of the protocol is met; they stand
    below the table in the report. `claims` are the paper's statements about the table; each name stands once.
    """

    name: str
    scale: Scale
    title: str
    source: str
    metric: str
    unit: str
    better: Literal["lower", "higher"]
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    remarks: Callable[[Summary], Sequence[str]] = no_remarks
    claims: tuple[Claim, ...] = ()

    def __post_init__(self) -> None:
        for cell in self.cells:
            self._check_reading(cell)
        cells = {(cell.row, cell.column) for cell in self.cells}
        names: set[str] = set()
        for claim in self.claims:
            if claim.name in names:
                raise ValueError(f"table {self.name!r} has two claims named {claim.name!r}")
            names.add(claim.name)
            unknown = [place for place in claim.places if place not in cells]
            if unknown:
                raise ValueError(
                    f"claim {claim.name!r} of table {self.name!r} names the cell {unknown[0]}, "
                    f"expected rows among {self.rows} and columns among {self.columns}"
                )

    def _check_reading(self, cell: Cell) -> None:
        """Refuse a cell that could never be read, before anything is trained for it."""
        stages = {stage.name: stage for stage in cell.experiment.stages}
        if not isinstance(cell.metric, StepsTo | AtStep) or cell.stage not in stages:
            return
        if stages[cell.stage].training.evaluate_every is None:
            raise ValueError(
                f"{cell.name} of table {self.name!r}: {cell.metric} needs evaluations, expected "
                f"training.evaluate_every in stage {cell.stage!r}, got None"
            )
        if isinstance(cell.metric, StepsTo) and self.better != "lower":
            raise ValueError(
                f"{cell.name} of table {self.name!r}: {cell.metric} are better when lower, got better={self.better!r}"
            )

    @property
    def heading(self) -> str:
        """Title, name and scale."""
        return f"{self.title} [{self.name}, scale {self.scale}]"

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of the rows, in order."""
        return tuple(dict.fromkeys(cell.row for cell in self.cells))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(dict.fromkeys(cell.column for cell in self.cells))

    def jobs(self, seeds: Sequence[int] | None = None) -> list[Job]:
        """Return the runs that fill this table: each experiment once a seed, whatever number of cells it fills.

        All experiments of one seed stand together, so that an interrupted sweep leaves whole seeds.
        """
        labels: dict[Experiment, str] = {}
        for cell in self.cells:
            labels.setdefault(cell.experiment, f"{self.name} {cell.column}, {cell.row}")
        return [
            Job(experiment, seed, f"{label}, seed {seed}")
            for seed in (self.seeds if seeds is None else seeds)
            for experiment, label in labels.items()
        ]
