"""What the store holds of a table: per cell the values, their mean and spread, and what is missing."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ._environment import packages_of, versions_differ
from ._experiment import Experiment
from ._readings import StepsTo, reading
from ._result import Result, StageResult
from ._store import Store
from ._table import Cell, Table


@dataclass(frozen=True)
class CellSummary:
    """The results of one cell; `results` holds one entry a seed, None where there is none."""

    cell: Cell
    results: dict[int, Result | None]

    @cached_property
    def stages(self) -> dict[int, StageResult]:
        """The cell's stage by seed, of the runs that finished it."""
        held = {seed: result.stage(self.cell.stage) for seed, result in self.results.items() if result is not None}
        return {seed: stage for seed, stage in held.items() if stage is not None}

    @cached_property
    def values(self) -> dict[int, float]:
        """The table's number by seed, of the runs that finished the cell's stage."""
        read = reading(self.cell.metric)
        return {seed: self.cell.factor * read(stage) for seed, stage in self.stages.items()}

    @cached_property
    def censored(self) -> dict[int, StageResult]:
        """The stages, by seed, that never got to the threshold of the cell: their values are lower bounds."""
        read = self.cell.metric
        if not isinstance(read, StepsTo):
            return {}
        return {seed: stage for seed, stage in self.stages.items() if not read.reached(stage)}

    def check(self) -> None:
        """Raise ValueError where a result has not what the cell reads, as another version of a task may leave it."""
        read = reading(self.cell.metric)
        for seed, stage in self.stages.items():
            try:
                read(stage)
            except ValueError as error:
                raise ValueError(f"run {self.cell.experiment.key(seed)}: {error}") from error

    @property
    def n(self) -> int:
        """Number of values."""
        return len(self.stages)

    @property
    def mean(self) -> float | None:
        """Mean of the values, None when there is none."""
        return statistics.fmean(self.values.values()) if self.n else None

    @property
    def sd(self) -> float | None:
        """Sample standard deviation (n - 1), None below two values."""
        return statistics.stdev(self.values.values()) if self.n > 1 else None

    @property
    def population_sd(self) -> float | None:
        """Population standard deviation (n), as papers often print it."""
        return statistics.pstdev(self.values.values()) if self.n else None

    def without_value(self, status: str) -> list[Result]:
        """Return the runs of this status that did not finish the cell's stage."""
        return [
            result
            for seed, result in self.results.items()
            if result is not None and result.status == status and seed not in self.values
        ]

    @property
    def missing(self) -> int:
        """Number of seeds without any result."""
        return sum(result is None for result in self.results.values())

    @cached_property
    def densities(self) -> dict[str, float]:
        """Per weight matrix, the mean over runs of the share of weights present."""
        stages = self.stages.values()
        names = dict.fromkeys(name for stage in stages for name in stage.densities)
        return {name: statistics.fmean(stage.densities[name] for stage in stages) for name in names}

    @property
    def step_ms(self) -> float | None:
        """Mean wall time of a training step over seeds, in milliseconds."""
        return statistics.fmean(stage.step_ms for stage in self.stages.values()) if self.n else None


@dataclass(frozen=True)
class Summary:
    """A table with what the store holds of it."""

    table: Table
    cells: dict[tuple[str, str], CellSummary]

    @property
    def results(self) -> list[Result]:
        """Every result of the table, each once."""
        found = [result for cell in self.cells.values() for result in cell.results.values() if result is not None]
        return list({result.key: result for result in found}.values())

    @property
    def done(self) -> int:
        """Number of runs that ended, failed ones not counted."""
        return sum(result.status != "failed" for result in self.results)

    @property
    def wanted(self) -> int:
        """Number of runs the table asks for."""
        return len({(cell.cell.experiment, seed) for cell in self.cells.values() for seed in cell.results})

    @cached_property
    def remarks(self) -> Sequence[str]:
        """What the table says of these results, worked out once however often it is shown."""
        return self.table.remarks(self)

    @cached_property
    def stale(self) -> dict[str, str]:
        """Keys of the results that other package versions made, with the difference."""
        differences = {
            result.key: versions_differ(result.environment.packages, packages_of(result.experiment.task.kind))
            for result in self.results
        }
        return {key: difference for key, difference in differences.items() if difference}


def summarise(table: Table, store: Store) -> Summary:
    """Gather what the store holds of a table, for the table's own seeds and any other that was run.

    Raises ValueError where a result has not what a cell reads.
    """
    there = store.keys()
    seeds = (*table.seeds, *sorted(set(there.values()) - set(table.seeds)))
    held: dict[Experiment, dict[int, Result | None]] = {}
    for experiment in {cell.experiment for cell in table.cells}:
        keys = experiment.keys(seeds)
        held[experiment] = {
            seed: store.get(key) if key in there else None
            for seed, key in keys.items()
            if key in there or seed in table.seeds
        }
    cells = {(cell.row, cell.column): CellSummary(cell, held[cell.experiment]) for cell in table.cells}
    for summary in cells.values():
        summary.check()
    return Summary(table, cells)
