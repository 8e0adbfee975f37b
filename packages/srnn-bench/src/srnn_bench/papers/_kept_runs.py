"""The runs of a table whose weights the store keeps, for figures."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from srnn_models import Network
from srnn_tasks import TaskSpec

from .._errors import BenchError
from ..experiment import Result
from ..store import Store, weights
from ..tables import Scale, Table


@dataclass(frozen=True)
class KeptRun:
    """A run with its weights at the end of a stage, by parameter name; `command` produces it again."""

    result: Result
    stage: str
    weights: dict[str, Tensor]
    command: str

    def points(self, parameter: str) -> Tensor:
        """Return the positions of the neurons of a parameter in its embedding, `(gates, N, coordinates)`.

        They are kept with the weights as `points.<parameter>` if a penalty of the run embeds the parameter. Raises
        BenchError if they are missing.
        """
        name = f"points.{parameter}"
        if name not in self.weights:
            raise BenchError(
                f"run {self.result.key}, stage {self.stage!r}: expected {name!r}, the embedding of a penalty, among "
                f"the kept weights, got {', '.join(self.weights)}. Run `{self.command} --refresh` to keep it"
            )
        return self.weights[name]


def network_of(run: KeptRun, spec: TaskSpec, *, generator: torch.Generator) -> Network:
    """Return the network of a run with its weights. The generator draws initial weights, which are replaced."""
    network = run.result.experiment.model.build(spec, generator=generator)
    network.load_state_dict({name: run.weights[name] for name in network.state_dict()})
    return network


def kept_runs(store: Store, table: Table, row: str, column: str) -> list[KeptRun]:
    """Return the runs of a cell whose weights are kept, in the order of the table's seeds."""
    (cell,) = (cell for cell in table.cells if (cell.row, cell.column) == (row, column))
    command = command_of((table.name,), table.scale)
    results = [store.get(cell.experiment.key(seed)) for seed in table.seeds]
    return [
        KeptRun(result, cell.stage, weights(store, result, cell.stage, command=command), command)
        for result in results
        if result is not None and result.stage(cell.stage) is not None and store.has_weights(result)
    ]


def required_runs(store: Store, table: Table, row: str, column: str) -> list[KeptRun]:
    """Return the runs of a cell whose weights are kept; raises BenchError with the command to run if there are none."""
    runs = kept_runs(store, table, row, column)
    if not runs:
        raise BenchError(
            f"{table.name}, {row}, {column}: expected runs with weights in {store.folder}, got none. "
            f"Run `{command_of((table.name,), table.scale)}` first"
        )
    return runs


def command_of(tables: tuple[str, ...], scale: Scale) -> str:
    """Return the command that runs tables, given by full name, and keeps their weights."""
    return f"srnn run {' '.join(tables)} --scale {scale} --save-weights"
