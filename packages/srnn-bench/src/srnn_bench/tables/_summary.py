"""A table filled with the results of a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ..experiment import Experiment, Result, packages_of, versions_differ
from ..store import Store
from ._cell import Place
from ._filled import FilledCell
from ._table import Table


@dataclass(frozen=True)
class Summary:
    """A table and its cells, filled with the results of a store."""

    table: Table
    cells: dict[Place, FilledCell]

    @property
    def results(self) -> list[Result]:
        """All results of the table, each once."""
        results = (result for cell in self.cells.values() for result in cell.results.values() if result is not None)
        return list({result.key: result for result in results}.values())

    @property
    def done(self) -> int:
        """Number of runs that ended without failing."""
        return sum(result.status != "failed" for result in self.results)

    @property
    def wanted(self) -> int:
        """Number of runs requested: those that fill the table."""
        return len({(cell.cell.experiment, seed) for cell in self.cells.values() for seed in cell.results})

    @cached_property
    def remarks(self) -> Sequence[str]:
        """The remarks of the table, then those of the readings of its cells."""
        cells = self.cells.values()
        of_readings = (cell.cell.reading.remarks(cell.cell.name, cell.stages.values()) for cell in cells)
        return (*self.table.remarks(self.cells), *(remark for remarks in of_readings for remark in remarks))

    @cached_property
    def stale(self) -> dict[str, str]:
        """Difference of package versions by key of the results that other versions produced."""
        differences = {
            result.key: versions_differ(result.environment.packages, packages_of(result.experiment.task.kind))
            for result in self.results
        }
        return {key: difference for key, difference in differences.items() if difference}


def summarise(table: Table, store: Store) -> Summary:
    """Collect the results of a table from a store, for the seeds of the table and any other seed that was run.

    Raises:
        BenchError: If a result does not contain what a cell reads.
    """
    stored = store.keys()
    seeds = (*table.seeds, *sorted(set(stored.values()) - set(table.seeds)))
    results: dict[Experiment, dict[int, Result | None]] = {}
    for experiment in {cell.experiment for cell in table.cells}:
        results[experiment] = {
            seed: store.get(key) if key in stored else None
            for seed, key in experiment.keys(seeds).items()
            if key in stored or seed in table.seeds
        }
    cells = {cell.place: FilledCell(cell, results[cell.experiment]) for cell in table.cells}
    for cell in cells.values():
        cell.check()
    return Summary(table, cells)
