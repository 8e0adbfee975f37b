"""A cell of a table with the results that fill it."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from .._errors import BenchError
from ..experiment import Result, StageResult
from ._cell import Cell


@dataclass(frozen=True)
class FilledCell:
    """A cell and its results by seed, None for a run that is not in the store."""

    cell: Cell
    results: dict[int, Result | None]

    @cached_property
    def stages(self) -> dict[int, StageResult]:
        """The stage of the cell by seed, of the runs that finished it."""
        stages = {seed: result.stage(self.cell.stage) for seed, result in self.results.items() if result is not None}
        return {seed: stage for seed, stage in stages.items() if stage is not None}

    @cached_property
    def values(self) -> dict[int, float]:
        """The number that the table shows by seed, of the runs that finished the stage."""
        read = self.cell.reading
        return {seed: self.cell.factor * read(stage) for seed, stage in self.stages.items()}

    @cached_property
    def censored(self) -> dict[int, StageResult]:
        """The stages by seed whose value is only a bound, such as those that never reached a threshold."""
        read = self.cell.reading
        return {seed: stage for seed, stage in self.stages.items() if read.is_bound(stage)}

    def only(self, wanted: Callable[[int], bool]) -> FilledCell:
        """Return the cell with the results of the seeds for which `wanted` is true."""
        return FilledCell(self.cell, {seed: result for seed, result in self.results.items() if wanted(seed)})

    def check(self) -> None:
        """Raise BenchError if a result does not contain what the cell reads, e.g. one of another version of a task."""
        read = self.cell.reading
        for seed, stage in self.stages.items():
            try:
                read(stage)
            except ValueError as error:
                raise BenchError(f"run {self.cell.experiment.key(seed)}: {error}") from error

    @property
    def n(self) -> int:
        """Number of values."""
        return len(self.stages)

    @property
    def mean(self) -> float | None:
        """Mean of the values, None if there are none."""
        return statistics.fmean(self.values.values()) if self.n else None

    @property
    def sd(self) -> float | None:
        """Sample standard deviation (n - 1), None for fewer than two values."""
        return statistics.stdev(self.values.values()) if self.n > 1 else None

    @property
    def population_sd(self) -> float | None:
        """Population standard deviation (n), which many papers print, None if there are no values."""
        return statistics.pstdev(self.values.values()) if self.n else None

    @property
    def diverged(self) -> int:
        """Number of runs that diverged before they finished the stage."""
        return self._without_value("diverged")

    @property
    def failed(self) -> int:
        """Number of runs that failed before they finished the stage."""
        return self._without_value("failed")

    @property
    def missing(self) -> int:
        """Number of seeds without any result."""
        return sum(result is None for result in self.results.values())

    @cached_property
    def densities(self) -> dict[str, float]:
        """Share of weights present by weight matrix, mean over runs."""
        stages = self.stages.values()
        names = dict.fromkeys(name for stage in stages for name in stage.densities)
        return {name: statistics.fmean(stage.densities[name] for stage in stages) for name in names}

    def _without_value(self, status: str) -> int:
        return sum(
            result is not None and result.status == status and seed not in self.stages
            for seed, result in self.results.items()
        )
