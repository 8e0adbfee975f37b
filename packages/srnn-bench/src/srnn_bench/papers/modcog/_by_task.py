"""How well networks do each task: what the tables of arXiv 2207.03523 take the mean of."""

from __future__ import annotations

from pathlib import Path

import torch

from srnn_tasks import Cognitive

from ..._store import Store
from ..._table import Scale
from ...analysis._draw_heat import heat
from ...analysis._files import number, rows, write_drawing, write_text
from .._kept import needed_runs, network_of
from ._places import SIMPLE, places


def by_task(store: Store, scale: Scale, folder: Path) -> list[Path]:
    """Return the decision accuracy of each task, by network, and what always fixating scores there."""
    found: dict[str, torch.Tensor] = {}  # of each network `(tasks,)`, the mean over its runs
    floor = torch.zeros(0)
    names: tuple[str, ...] = ()
    for table, row, column in places(scale):
        if table.name == SIMPLE:  # other tasks
            continue
        shares = []
        for run in needed_runs(store, table, row, column):
            task = run.result.experiment.task
            assert isinstance(task, Cognitive)
            names, source = task.names, task.open(device="cpu", generator=torch.Generator().manual_seed(0))
            network = network_of(run, source.spec, generator=torch.Generator().manual_seed(0))
            counted, _ = source.scores(network, split="test", generator=torch.Generator().manual_seed(0))
            scores = counted.by_slot()
            shares.append(scores["decision_accuracy"])
            floor = scores["always_fixate"]  # the same trials for all
        found[f"{row}, N = {run.result.experiment.model.recurrence.hidden} ({len(shares)})"] = torch.stack(shares).mean(
            0
        )
    found["always fixate"] = floor
    values = torch.stack(list(found.values()), 1)  # (tasks, networks)
    title = "Decision accuracy by task and network"
    body = [
        [f"{slot + 1} {name}", *(number(value, 2) for value in line)]
        for slot, (name, line) in enumerate(zip(names, values.tolist(), strict=True))
    ]
    body.append(["mean", *(number(value, 2) for value in values.mean(0).tolist())])
    text = (
        f"# {title}, scale {scale}\n\n{rows(['task', *found], body)}\n"
        "Share of the decision steps that are right, mean over the runs whose number stands in brackets, on "
        "trials of their own, the same for all networks.\n"
    )
    drawing = heat(f"modcog-tasks-{scale}", title, values, names, tuple(found), label="decision accuracy")
    return [*write_drawing(drawing, folder), write_text(text, folder, f"modcog-tasks-{scale}")]
