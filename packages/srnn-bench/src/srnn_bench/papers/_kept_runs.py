"""The runs of a table whose weights were kept, as figures want them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from srnn_models import Network
from srnn_tasks import TaskSpec

from ..experiment import Result
from ..store import Store, weights
from ..tables import Scale, Table


@dataclass(frozen=True)
class KeptRun:
    """A run with the weights that it held at the end of a stage, by name; `command` makes it again."""

    result: Result
    stage: str
    held: dict[str, Tensor]
    command: str


def network_of(run: KeptRun, spec: TaskSpec, *, generator: torch.Generator) -> Network:
    """Return the network of a run, with its weights, for a task; what the generator draws, they replace."""
    network = run.result.experiment.model.build(spec, generator=generator)
    network.load_state_dict({name: run.held[name] for name in network.state_dict()})
    return network


def kept_runs(store: Store, table: Table, row: str, column: str) -> list[KeptRun]:
    """Return the runs of a cell whose weights were kept, by seed."""
    (cell,) = (cell for cell in table.cells if (cell.row, cell.column) == (row, column))
    command = command_of(table.name, table.scale)
    results = [store.get(cell.experiment.key(seed)) for seed in table.seeds]
    return [
        KeptRun(result, cell.stage, weights(store, result, cell.stage, command=command), command)
        for result in results
        if result is not None and result.stage(cell.stage) is not None and store.has_weights(result)
    ]


def needed_runs(store: Store, table: Table, row: str, column: str) -> list[KeptRun]:
    """Return what `kept_runs` does; none is an error that names the command which makes them."""
    found = kept_runs(store, table, row, column)
    if not found:
        raise ValueError(
            f"{table.name}, {row}, {column}: expected runs with weights in {store.folder}, found none; "
            f"make them by `{command_of(table.name, table.scale)}`"
        )
    return found


def command_of(names: str, scale: Scale) -> str:
    """Return the command that makes the runs of tables and keeps their weights."""
    return f"srnn run {names} --scale {scale} --save-weights"
