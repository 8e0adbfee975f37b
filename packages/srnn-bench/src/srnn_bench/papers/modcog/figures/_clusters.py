"""Figures 3 and 8 to 12 of arXiv 2207.03523: clusters of units by task, and how many of them serve a sub-task."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ....analysis import modules_of, p_value
from ....drawing import markdown_table, significant, write_drawing, write_text
from ....tables import Scale, Table
from ... import FigureRequest, KeptRun, required_runs
from .. import PAPER
from .._networks import RECURRENT
from ._clusters_and_accuracy import clusters_and_accuracy
from ._draw_clusters import task_clusters
from ._draw_units import unit_weights
from ._shown import BATTERY, SIMPLE, shown_networks
from ._subtasks import subtasks_of
from ._units import TRIALS, Units, units_of

SHUFFLES = 199  # of the tasks, for the p-value of a sub-task

SUBTASKS = ("intr", "intl", "seqr", "seql", "anti", "match")


def clusters_by_task(request: FigureRequest) -> list[Path]:
    """Figures 3 and 8 to 12: clusters of units by task, and how many of them serve a sub-task."""
    paths: list[Path] = []
    lines = []
    battery: dict[str, list[tuple[float, int]]] = {}  # decision accuracy and number of clusters per run
    for table, row, column in shown_networks(request.scale):
        for run in required_runs(request.required_store(), table, row, column):
            units = units_of(run)
            network = f"{len(units.names)} tasks, N = {len(units.active)}, {row}"
            if table.name == PAPER.full_name(BATTERY):
                accuracy = run.result.stages[-1].metrics["decision_accuracy"]
                battery.setdefault(row, []).append((accuracy, units.clustering.k))
            lines.append([f"{network}, seed {run.result.seed}", *_measured(units, run.result.seed)])
            if run.result.seed == min(table.seeds):
                paths += _drawn(request, table, row, network, run, units)
    text = _words(request.scale, lines, battery)
    return [*paths, write_text(text, request.folder, f"modcog-clusters-{request.scale}")]


def _measured(units: Units, seed: int) -> list[str]:
    """Return the numbers of units and clusters, the silhouette, and per sub-task its clusters, as cells of a row."""
    generator = torch.Generator().manual_seed(seed)
    clustering = units.clustering
    cells = [str(len(units.points)), str(clustering.k), significant(clustering.silhouette, 2)]
    tasks_by_subtask = subtasks_of(units.names)
    for subtask in SUBTASKS:
        if subtask not in tasks_by_subtask:
            cells.append("-")
            continue
        tasks = tasks_by_subtask[subtask]
        modules = modules_of(clustering, units.points, tasks)
        p = p_value(clustering, units.points, tasks, repeats=SHUFFLES, generator=generator)
        cells.append(f"{modules.count}, {significant(modules.effective, 2)}, p {significant(p, 2)}")
    return cells


def _drawn(request: FigureRequest, table: Table, row: str, network: str, run: KeptRun, units: Units) -> list[Path]:
    """Write the clusters of a network and, on the simple tasks, its weights."""
    slug = table.name.rpartition("/")[2] + "-" + row.lower().replace(" = ", "").replace(" ", "-")
    name, title = f"modcog-{slug}-{request.scale}", f"Clusters of units by task: {network}"
    paths = write_drawing(task_clusters(name, title, units.points, units.clustering, units.names), request.folder)
    if table.name == PAPER.full_name(SIMPLE):
        name, title = f"modcog-{slug}-weights-{request.scale}", f"Weights of units: {network}"
        drawing = unit_weights(name, title, _weights(run.weights, units), units.clustering)
        paths += write_drawing(drawing, request.folder)
    return paths


def _weights(weights: dict[str, Tensor], units: Units) -> dict[str, Tensor]:
    """Return the weights of active units, `(rows, N)` each: input, each unit's connection to itself, output."""
    return {
        "input": weights["recurrence.weight_ih"][units.active].T,
        "itself": weights[RECURRENT].diagonal()[units.active][None],
        "output": weights["readout.weight"][:, units.active],
    }


def _words(scale: Scale, lines: list[list[str]], battery: dict[str, list[tuple[float, int]]]) -> str:
    head = ["network", "active units", "clusters", "silhouette", *SUBTASKS]
    return (
        f"# Clusters of units by task variance, scale {scale}\n\n{markdown_table(head, lines)}\n"
        f"Variance over {TRIALS} trials per task without noise, steps of the same period aligned, without the fixation "
        "period; units whose sum is above 1e-3; Ward linkage, the cut with the best mean silhouette of all cuts. Per "
        "sub-task: the number of clusters that are selective for it (at least twice the variance as in the other tasks "
        "in which they vary most), the effective number of clusters that share it, and p against "
        f"{SHUFFLES} shuffles of the tasks.\n\n{clusters_and_accuracy(battery)}\n"
    )
