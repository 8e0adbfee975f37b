"""What the store holds of a table: per cell the values, their mean and spread, and what is missing."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from functools import cached_property

from ._environment import describe, resolve_device, versions_differ
from ._result import Result
from ._store import Store
from ._table import Cell, Table


@dataclass(frozen=True)
class CellSummary:
    """The results of one cell; `results` holds one entry a seed, None where there is none."""

    cell: Cell
    results: dict[int, Result | None]

    @cached_property
    def values(self) -> dict[int, float]:
        """The metric by seed, of the runs that finished the cell's stage."""
        found = {}
        for seed, result in self.results.items():
            stage = result.stage(self.cell.stage) if result is not None else None
            if stage is not None:
                found[seed] = stage.metrics[self.cell.metric]
        return found

    @property
    def n(self) -> int:
        """Number of values."""
        return len(self.values)

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
    def densities(self) -> dict[str, tuple[float, float]]:
        """Per weight matrix, the mean and the range (max - min) over seeds of the share of weights present."""
        stages = [result.stage(self.cell.stage) for result in self.results.values() if result is not None]
        found = [stage.densities for stage in stages if stage is not None]
        names = dict.fromkeys(name for densities in found for name in densities)
        columns = {name: [densities[name] for densities in found if name in densities] for name in names}
        return {name: (statistics.fmean(column), max(column) - min(column)) for name, column in columns.items()}

    @property
    def step_ms(self) -> float | None:
        """Mean wall time of a training step over seeds, in milliseconds."""
        stages = [result.stage(self.cell.stage) for result in self.results.values() if result is not None]
        times = [stage.step_ms for stage in stages if stage is not None]
        return statistics.fmean(times) if times else None


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
    def stale(self) -> dict[str, str]:
        """Keys of the results that other package versions made, with the difference."""
        cpu = resolve_device("cpu")
        differences = {
            result.key: versions_differ(result.environment, describe(result.experiment.task.kind, cpu, "float32", 1))
            for result in self.results
        }
        return {key: difference for key, difference in differences.items() if difference}


def summarise(table: Table, store: Store) -> Summary:
    """Gather what the store holds of a table, for the table's own seeds and any other that was run."""
    experiments = {cell.experiment for cell in table.cells}
    others = [seed for seed in store.seeds() if seed not in table.seeds]
    held = {
        (experiment, seed): store.get(experiment.key(seed))
        for experiment in experiments
        for seed in (*table.seeds, *others)
    }

    def of(cell: Cell) -> dict[int, Result | None]:
        asked = {seed: held[cell.experiment, seed] for seed in table.seeds}
        more = {seed: held[cell.experiment, seed] for seed in others if held[cell.experiment, seed] is not None}
        return asked | more

    return Summary(table, {(cell.row, cell.column): CellSummary(cell, of(cell)) for cell in table.cells})
