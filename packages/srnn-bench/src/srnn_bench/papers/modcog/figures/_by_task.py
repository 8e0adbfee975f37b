"""Accuracy per task of the networks of arXiv 2207.03523, whose tables give means over tasks."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from srnn_tasks import Cognitive

from ....drawing import heat, markdown_table, significant, write_drawing, write_text
from ... import FigureRequest, KeptRun, network_of, required_runs
from .. import PAPER
from ._shown import SIMPLE, shown_networks


def by_task(request: FigureRequest) -> list[Path]:
    """Decision accuracy per task of the battery by network, and of a network that always fixates."""
    accuracies: dict[str, Tensor] = {}  # by network, `(tasks,)`, the mean over its runs
    battery = [shown for shown in shown_networks(request.scale) if shown[0].name != PAPER.full_name(SIMPLE)]
    for table, row, column in battery:
        runs = required_runs(request.required_store(), table, row, column)
        scores = [_by_slot(run) for run in runs]
        hidden = runs[0].result.experiment.model.hidden
        mean = torch.stack([score["decision_accuracy"] for score in scores]).mean(0)
        accuracies[f"{row}, N = {hidden} ({len(runs)})"] = mean
    accuracies["always fixate"] = scores[0]["always_fixate"]  # all runs are evaluated on the same trials
    values = torch.stack(list(accuracies.values()), 1)  # (tasks, networks)
    task = _task(runs[0])
    name, title = f"modcog-tasks-{request.scale}", "Decision accuracy by task and network"
    text = (
        f"# {title}, scale {request.scale}\n\n{_table(task, accuracies, values)}\n"
        "Share of correct decision steps, mean over the runs (their number in brackets), on "
        f"{task.evaluation_trials} trials per task or a few more, the same for all networks.\n"
    )
    drawing = heat(name, title, values, task.names, tuple(accuracies), label="decision accuracy")
    return [*write_drawing(drawing, request.folder), write_text(text, request.folder, name)]


def _table(task: Cognitive, networks: dict[str, Tensor], values: Tensor) -> str:
    names = [f"{slot} {name}" for slot, name in enumerate(task.names, 1)]
    lines = zip([*names, "mean"], [*values.tolist(), values.mean(0).tolist()], strict=True)
    body = [[name, *(significant(value, 2) for value in line)] for name, line in lines]
    return markdown_table(["task", *networks], body)


def _by_slot(run: KeptRun) -> dict[str, Tensor]:
    """Return the scores of a run per task, `(tasks,)` each, on the trials of the test split that seed 0 draws."""
    source = _task(run).open(device="cpu", generator=torch.Generator().manual_seed(0))
    network = network_of(run, source.spec, generator=torch.Generator().manual_seed(0))
    scores, _ = source.scores(network, split="test", generator=torch.Generator().manual_seed(0))
    return scores.by_slot()


def _task(run: KeptRun) -> Cognitive:
    task = run.result.experiment.task
    assert isinstance(task, Cognitive)
    return task
