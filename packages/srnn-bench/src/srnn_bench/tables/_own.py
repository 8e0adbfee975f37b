"""Experiments of one's own, which no table of a paper contains, with their results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..experiment import Experiment, Result
from ._cell import Cell
from ._filled import FilledCell


@dataclass(frozen=True)
class OwnExperiment:
    """An experiment with a unique name, and its results by seed, None for a run that is not in the store.

    `grid` is the value of each path of the grid that the experiment is a point of. `command` runs it again, empty if
    that is not known.
    """

    name: str
    experiment: Experiment
    results: dict[int, Result | None]
    grid: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""

    @property
    def found(self) -> list[Result]:
        """The results that the store has."""
        return [result for result in self.results.values() if result is not None]

    @cached_property
    def metrics(self) -> dict[str, tuple[str, ...]]:
        """Names of the metrics by stage, the headline metric of the task first; none for a stage no run finished."""
        return {
            stage.name: tuple(
                dict.fromkeys(
                    name
                    for result in self.found
                    for finished in result.stages
                    if finished.name == stage.name
                    for name in finished.metrics
                )
            )
            for stage in self.experiment.stages
        }

    def cell(self, stage: str, metric: str) -> FilledCell:
        """Return the metric of a stage over all runs, as a cell of a table has it."""
        results = {
            seed: None if result is None or _lacks(result, stage, metric) else result
            for seed, result in self.results.items()
        }
        return FilledCell(Cell(self.name, metric, self.experiment, stage, metric), results)


def _lacks(result: Result, stage: str, metric: str) -> bool:
    """Return whether a run finished the stage without the metric, as with another version of the task."""
    finished = result.stage(stage)
    return finished is not None and metric not in finished.metrics
