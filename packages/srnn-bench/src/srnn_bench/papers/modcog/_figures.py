"""The figures of arXiv 2207.03523 that are made of trained networks: clusters of units, and their number in training.

A figure is a function of a store, a scale and a folder: it writes files there and returns their paths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from srnn_models import SequenceModel
from srnn_tasks import Cognitive
from srnn_tasks.cognitive import OneTrial

from ..._result import Result
from ..._store import Store
from ..._table import Scale
from ...analysis._clusters import Clustering, clusters
from ...analysis._draw_clusters import cluster_numbers, task_clusters
from ...analysis._files import number, rows, write_drawing, write_text
from ...analysis._modules import modules_of, p_value, present_tasks
from ...analysis._variance import kept, normalised, task_variance
from ...analysis._weights import weights
from . import TABLES
from ._components import components

TRIALS = 40  # of each task, without noise
SHUFFLES = 199  # of the tasks, for the p-value of a sub-task
SUBTASKS = ("intr", "intl", "seqr", "seql", "anti", "match")


@dataclass(frozen=True)
class Units:
    """The units of a network that take part in the tasks: normalised variances `(N, tasks)`, and their clusters."""

    names: tuple[str, ...]
    points: Tensor
    clustering: Clustering


def units(result: Result, held: dict[str, Tensor]) -> Units:
    """Return the units of a stored run, given its weights: trials without noise, one a row, fixation left out."""
    experiment = result.experiment
    assert isinstance(experiment.task, Cognitive) and isinstance(experiment.model, SequenceModel)
    quiet = {"sigma": 0.0, "layout": OneTrial(), "evaluation_trials": TRIALS}
    task = experiment.task.model_copy(update=quiet)
    generator = torch.Generator().manual_seed(0)
    source = task.open(device="cpu", generator=generator)
    network = experiment.model.build(source.spec, generator=generator)
    network.load_state_dict({name: held[name] for name in network.state_dict()})
    found = []
    for slot in range(len(task.names)):
        slots = torch.full((TRIALS, 1), slot)
        batch = source.show(source.drawer.draw(slots, generator=generator), source.drawer.longest, generator=generator)
        with torch.no_grad():
            activity, _ = network.recurrence(batch.inputs)  # (T, B, N)
        period = batch.info["period"]
        found.append(task_variance(activity, torch.zeros(TRIALS, dtype=torch.int64), (period > 0) & (period < 5)))
    variance = torch.cat(found)  # (tasks, N)
    points = normalised(variance[:, kept(variance)])
    return Units(task.names, points, clusters(points))


def maps(store: Store, scale: Scale, folder: Path) -> list[Path]:
    """Figures 3 and 8 to 12: clusters of units by task, and how many of them serve a sub-task."""
    paths: list[Path] = []
    body = []
    for place in _places(scale):
        for result, held in _kept(store, scale, *place):
            found = units(result, held)
            row = place[1]
            label = f"{row}, seed {result.seed}"
            generator = torch.Generator().manual_seed(result.seed)
            line = [label, str(len(found.points)), str(found.clustering.k), number(found.clustering.silhouette, 2)]
            chosen = present_tasks(found.names)
            for subtask in SUBTASKS:
                if subtask not in chosen:
                    line.append("-")
                    continue
                served = modules_of(found.clustering, found.points, chosen[subtask])
                chance = p_value(found.clustering, found.points, chosen[subtask], repeats=SHUFFLES, generator=generator)
                line.append(f"{served.count}, {number(served.effective, 2)}, p {number(chance, 2)}")
            body.append(line)
            if result.seed == min(TABLES[place[0]](scale).seeds):
                slug = place[0].rpartition("/")[2] + "-" + row.lower().replace(" = ", "").replace(" ", "-")
                title = f"Clusters of units by task: {row}"
                drawing = task_clusters(f"modcog-{slug}-{scale}", title, found.points, found.clustering, found.names)
                paths += write_drawing(drawing, folder)
    head = ["network", "active units", "clusters", "silhouette", *SUBTASKS]
    text = (
        f"# Clusters of units by task variance, scale {scale}\n\n{rows(head, body)}\n"
        f"Variance over {TRIALS} trials of each task without noise, fixation period left out; units whose sum is above "
        "1e-3; Ward linkage, the cut with the best mean silhouette over all. Of each sub-task: clusters that are "
        "selective for it (at least twice the variance as in the tasks where they vary most without it), the effective "
        f"number of clusters that share it, and p against {SHUFFLES} shuffles of the tasks.\n"
    )
    return [*paths, write_text(text, folder, f"modcog-clusters-{scale}")]


def figure7b(store: Store, scale: Scale, folder: Path) -> list[Path]:
    """Figure 7b: the number of clusters over training, by radius of the mask."""
    cells = TABLES["modcog/figure7b"](scale)
    found: dict[str, dict[int, list[int]]] = {}
    for row in cells.rows:
        for column in cells.columns:
            for result, held in _kept(store, scale, "modcog/figure7b", row, column):
                steps = result.stages[0].steps
                found.setdefault(row, {}).setdefault(steps, []).append(units(result, held).clustering.k)
    drawing = cluster_numbers(f"modcog-figure7b-{scale}", "Number of clusters over training", found)
    halts = sorted({steps for by_steps in found.values() for steps in by_steps})
    body = [
        [row, *(", ".join(map(str, by_steps.get(steps, []))) for steps in halts)] for row, by_steps in found.items()
    ]
    table = rows(["network", *(f"{steps} steps" for steps in halts)], body)
    text = f"# Number of clusters over training, scale {scale}\n\n{table}\nOne number a seed.\n"
    return [*write_drawing(drawing, folder), write_text(text, folder, f"modcog-figure7b-{scale}")]


FIGURES: dict[str, Callable[[Store, Scale, Path], list[Path]]] = {
    "modcog/clusters": maps,
    "modcog/figure7b": figure7b,
    "modcog/components": components,
}
NEEDS: dict[str, str] = {
    "modcog/clusters": "modcog/figure2a modcog/figure5",
    "modcog/figure7b": "modcog/figure7b",
}


def _places(scale: Scale) -> list[tuple[str, str, str]]:
    """Return table, row and column of the networks whose clusters are shown: autapses, masks, the dense network."""
    autapses = TABLES["modcog/figure2a"](scale).rows[0]
    table = TABLES["modcog/figure5"](scale)
    column = table.columns[0]
    return [("modcog/figure2a", autapses, column), *(("modcog/figure5", row, column) for row in table.rows)]


def _kept(store: Store, scale: Scale, name: str, row: str, column: str) -> list[tuple[Result, dict[str, Tensor]]]:
    """Return the runs of a cell whose weights were kept, with these; none is an error."""
    table, command = TABLES[name](scale), f"srnn run {name} --scale {scale} --save-weights"
    (cell,) = (cell for cell in table.cells if (cell.row, cell.column) == (row, column))
    results = [store.get(cell.experiment.key(seed)) for seed in table.seeds]
    found = [
        (result, weights(store, result, cell.stage, command=command))
        for result in results
        if result is not None and result.stage(cell.stage) is not None and store.has_weights(result)
    ]
    if not found:
        raise ValueError(
            f"{name}, {row}, {column}: expected runs with weights in {store.folder}, found none; "
            f"make them by `{command}`"
        )
    return found
