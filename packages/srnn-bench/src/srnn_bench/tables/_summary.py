"""What the store holds of a table: per cell the values, their mean and spread, and what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ..experiment import Experiment, Result, packages_of, versions_differ
from ..store import Store
from ._readings import StepsTo
from ._table import Table

if TYPE_CHECKING:
    pass
from ._filled import FilledCell


@dataclass(frozen=True)
class Summary:
    """A table with what the store holds of it."""

    table: Table
    cells: dict[tuple[str, str], FilledCell]

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
    cells = {(cell.row, cell.column): FilledCell(cell, held[cell.experiment]) for cell in table.cells}
    for summary in cells.values():
        summary.check()
    return Summary(table, cells)


def censored(summary: Summary) -> list[str]:
    """Say of each cell how many of its runs never got to the threshold of its `StepsTo`: remarks of a table."""
    found = []
    for cell in summary.cells.values():
        lengths = Counter(stage.steps for stage in cell.censored.values())
        for steps, count in sorted(lengths.items()):
            assert isinstance(cell.cell.metric, StepsTo)
            found.append(
                f"{count} of {cell.n} {'run' if cell.n == 1 else 'runs'} of {cell.cell.name} did not reach "
                f"{cell.cell.metric.threshold:g} within {steps} steps; "
                f"{'it counts' if count == 1 else 'they count'} with {steps}"
            )
    return found
