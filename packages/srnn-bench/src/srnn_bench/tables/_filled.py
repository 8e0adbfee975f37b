"""A cell of a table with the results that fill it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from functools import cached_property

from ..experiment import Result, StageResult
from ._cell import Cell
from ._readings import StepsTo, reading


@dataclass(frozen=True)
class FilledCell:
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
