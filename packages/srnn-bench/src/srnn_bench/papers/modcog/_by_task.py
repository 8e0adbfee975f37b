"""How well networks do each task: what the tables of arXiv 2207.03523 take the mean of."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from srnn_tasks import Cognitive

from ...drawing import heat, markdown_table, significant, write_drawing, write_text
from ...store import Store
from ...tables import Scale
from .._kept_runs import KeptRun, needed_runs, network_of
from ._places import SIMPLE, places


def by_task(store: Store, scale: Scale, folder: Path) -> list[Path]:
    """Tell the decision accuracy of each task of the battery by network, and what always fixating scores there."""
    found: dict[str, Tensor] = {}  # of each network `(tasks,)`, the mean over its runs
    battery = [place for place in places(scale) if place[0].name != SIMPLE]
    for table, row, column in battery:
        runs = needed_runs(store, table, row, column)
        scores = [_by_slot(run) for run in runs]
        hidden = runs[0].result.experiment.model.recurrence.hidden
        accuracies = torch.stack([each["decision_accuracy"] for each in scores])
        found[f"{row}, N = {hidden} ({len(runs)})"] = accuracies.mean(0)
    found["always fixate"] = scores[0]["always_fixate"]  # all saw the same trials
    values = torch.stack(list(found.values()), 1)  # (tasks, networks)
    task = _task(runs[0])
    names = [f"{slot} {name}" for slot, name in enumerate(task.names, 1)]
    lines = zip([*names, "mean"], [*values.tolist(), values.mean(0).tolist()], strict=True)
    body = [[name, *(significant(value, 2) for value in line)] for name, line in lines]
    name, title = f"modcog-tasks-{scale}", "Decision accuracy by task and network"
    text = (
        f"# {title}, scale {scale}\n\n{markdown_table(['task', *found], body)}\n"
        "Share of the decision steps that are right, mean over the runs whose number stands in brackets, on "
        f"{task.evaluation_trials} trials of each task or a few more, the same for all networks.\n"
    )
    drawing = heat(name, title, values, task.names, tuple(found), label="decision accuracy")
    return [*write_drawing(drawing, folder), write_text(text, folder, name)]


def _by_slot(run: KeptRun) -> dict[str, Tensor]:
    """Return the shares of a run by task, `(tasks,)` each, on the trials of the test split that seed 0 draws."""
    source = _task(run).open(device="cpu", generator=torch.Generator().manual_seed(0))
    network = network_of(run, source.spec, generator=torch.Generator().manual_seed(0))
    scores, _ = source.scores(network, split="test", generator=torch.Generator().manual_seed(0))
    return scores.by_slot()


def _task(run: KeptRun) -> Cognitive:
    task = run.result.experiment.task
    assert isinstance(task, Cognitive)
    return task
