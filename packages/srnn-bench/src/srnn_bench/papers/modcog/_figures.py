"""The figures of arXiv 2207.03523 that are made of trained networks: clusters of units, and their number in training.

A figure is a function of a store, a scale and a folder: it writes files there and returns their paths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

import torch
from scipy.stats import permutation_test, spearmanr  # type: ignore[import-untyped]
from torch import Tensor

from srnn_tasks import Cognitive
from srnn_tasks.cognitive import PERIODS, OneTrial

from ...analysis import (
    Clustering,
    by_period,
    clusters,
    kept,
    modules_of,
    normalised,
    p_value,
    present_tasks,
    task_variance,
)
from ...drawing import markdown_table, significant, write_drawing, write_text
from ...store import Store
from ...tables import LEVEL, Scale
from .._kept_runs import KeptRun, needed_runs, network_of
from . import TABLES
from ._best_density import best_density
from ._by_task import by_task
from ._components import components
from ._examples import figure4
from ._networks import RECURRENT
from ._places import BATTERY, LARGE, SIMPLE, places
from .figures._draw_clusters import cluster_numbers, task_clusters
from .figures._draw_units import unit_weights

FIXATION, PADDING = PERIODS.index("fixation"), PERIODS.index("padding")

TRIALS = 40  # of each task, without noise

SHUFFLES = 199  # of the tasks, for the p-value of a sub-task

FEWEST = 5  # networks, whose 120 orders may give a p below the level

SUBTASKS = ("intr", "intl", "seqr", "seql", "anti", "match")


@dataclass(frozen=True)
class Units:
    """The units of a network that take part in the tasks: normalised variances `(N, tasks)`, and their clusters.

    active `(hidden,)`: which units these are.
    """

    names: tuple[str, ...]
    active: Tensor
    points: Tensor
    clustering: Clustering


def units(run: KeptRun) -> Units:
    """Return the units of a stored run: trials without noise, one a row, fixation left out."""
    task = run.result.experiment.task
    assert isinstance(task, Cognitive)
    task = task.model_copy(update={"sigma": 0.0, "layout": OneTrial()})
    generator = torch.Generator().manual_seed(0)
    source = task.open(device="cpu", generator=generator)
    network = network_of(run, source.spec, generator=generator)
    found = []
    for slot in range(len(task.names)):
        slots = torch.full((TRIALS, 1), slot)
        batch = source.show(source.drawer.draw(slots, generator=generator), source.drawer.longest, generator=generator)
        with torch.no_grad():
            activity, _ = network.recurrence(batch.inputs)  # (T, B, N)
        period, elapsed = batch.info["period"], batch.info["elapsed"]
        laid, there = by_period(activity, period, elapsed, (period != FIXATION) & (period != PADDING))
        found.append(task_variance(laid, torch.zeros(TRIALS, dtype=torch.int64), there))
    variance = torch.cat(found)  # (tasks, N)
    active = kept(variance)
    points = normalised(variance[:, active])
    return Units(task.names, active, points, clusters(points))


def maps(store: Store, scale: Scale, folder: Path) -> list[Path]:
    """Figures 3 and 8 to 12: clusters of units by task, and how many of them serve a sub-task."""
    paths: list[Path] = []
    body = []
    battery: dict[str, list[tuple[float, int]]] = {}  # decision accuracy and number of clusters of each run
    for table, row, column in places(scale):
        for run in needed_runs(store, table, row, column):
            result, found = run.result, units(run)
            network = f"{len(found.names)} tasks, N = {len(found.active)}, {row}"
            if table.name == BATTERY:
                accuracy = result.stages[-1].metrics["decision_accuracy"]
                battery.setdefault(row, []).append((accuracy, found.clustering.k))
            generator = torch.Generator().manual_seed(result.seed)
            line = [
                f"{network}, seed {result.seed}",
                str(len(found.points)),
                str(found.clustering.k),
                significant(found.clustering.silhouette, 2),
            ]
            chosen = present_tasks(found.names)
            for subtask in SUBTASKS:
                if subtask not in chosen:
                    line.append("-")
                    continue
                served = modules_of(found.clustering, found.points, chosen[subtask])
                chance = p_value(found.clustering, found.points, chosen[subtask], repeats=SHUFFLES, generator=generator)
                line.append(f"{served.count}, {significant(served.effective, 2)}, p {significant(chance, 2)}")
            body.append(line)
            if result.seed == min(table.seeds):
                slug = table.name.rpartition("/")[2] + "-" + row.lower().replace(" = ", "").replace(" ", "-")
                title = f"Clusters of units by task: {network}"
                drawing = task_clusters(f"modcog-{slug}-{scale}", title, found.points, found.clustering, found.names)
                paths += write_drawing(drawing, folder)
                if table.name == SIMPLE:
                    title = f"Weights of units: {network}"
                    drawing = unit_weights(
                        f"modcog-{slug}-weights-{scale}", title, _parts(run.held, found), found.clustering
                    )
                    paths += write_drawing(drawing, folder)
    head = ["network", "active units", "clusters", "silhouette", *SUBTASKS]
    text = (
        f"# Clusters of units by task variance, scale {scale}\n\n{markdown_table(head, body)}\n"
        f"Variance over {TRIALS} trials of each task without noise, steps of the same period laid over each other, "
        "fixation period left out; units whose sum is above 1e-3; Ward linkage, the cut with the best mean silhouette "
        "over all. Of each sub-task: clusters that are selective for it (at least twice the variance as in the tasks "
        "where they vary most without it), the effective number of clusters that share it, and p against "
        f"{SHUFFLES} shuffles of the tasks.\n\n{clusters_and_accuracy(battery)}\n"
    )
    return [*paths, write_text(text, folder, f"modcog-clusters-{scale}")]


def _parts(held: dict[str, Tensor], found: Units) -> dict[str, Tensor]:
    """Return the weights of active units, `(rows, N)` each: read in, of each upon itself, read out."""
    return {
        "input": held["recurrence.weight_ih"][found.active].T,
        "itself": held[RECURRENT].diagonal()[found.active][None],
        "output": held["readout.weight"][:, found.active],
    }


def clusters_and_accuracy(battery: dict[str, list[tuple[float, int]]]) -> str:
    """Judge whether better networks have fewer clusters (caption of Figure 7); accuracy and number of runs, by row.

    A network is one point, the mean of its runs, since runs of one network are not independent of each other; p is that
    of all orders of the points.
    """
    told = []
    for row, runs in battery.items():
        counts = [count for _, count in runs]
        spread = f" ± {stdev(counts):.1f}" if len(counts) > 1 else ""
        told.append(f"{row} {fmean(counts):.1f}{spread} ({len(counts)})")
    means = {row: [fmean(values) for values in zip(*runs, strict=True)] for row, runs in battery.items()}
    accuracies, numbers = zip(*means.values(), strict=True)
    text = (
        '"The more optimal locality masked networks discover a lower, more appropriate number of clusters" (caption of '
        f"Figure 7). Clusters: {', '.join(told)}; the most accurate is {max(means, key=lambda row: means[row][0])}. "
    )
    if len(means) < FEWEST or len(set(numbers)) == 1 or len(set(accuracies)) == 1:
        return text + "Too few different networks for a test."
    found = permutation_test(
        (accuracies,),
        lambda order: spearmanr(order, numbers).statistic,
        permutation_type="pairings",
        n_resamples=10_000,
        rng=0,
    )
    rho, p = float(found.statistic), float(found.pvalue)
    verdict = ("supported" if rho < 0 else "contradicted") if p < LEVEL else "undecided"
    return (
        f"{text}Rank correlation of decision accuracy and number of clusters over {len(means)} networks: {rho:.2f}, "
        f"p = {significant(p, 2)}: {verdict}."
    )


def figure7b(store: Store, scale: Scale, folder: Path) -> list[Path]:
    """Figure 7b: the number of clusters over training, by radius of the mask."""
    table = TABLES[BATTERY](scale)
    found: dict[str, dict[int, list[int]]] = {}
    for row in table.rows:
        for column in table.columns:
            for run in needed_runs(store, table, row, column):
                steps = run.result.stages[0].steps
                found.setdefault(row, {}).setdefault(steps, []).append(units(run).clustering.k)
    drawing = cluster_numbers(f"modcog-figure7b-{scale}", "Number of clusters over training", found)
    halts = sorted({steps for by_steps in found.values() for steps in by_steps})
    body = [
        [row, *(", ".join(map(str, by_steps.get(steps, []))) for steps in halts)] for row, by_steps in found.items()
    ]
    counts = markdown_table(["network", *(f"{steps} steps" for steps in halts)], body)
    text = f"# Number of clusters over training, scale {scale}\n\n{counts}\nOne number a seed.\n"
    return [*write_drawing(drawing, folder), write_text(text, folder, f"modcog-figure7b-{scale}")]


FIGURES: dict[str, Callable[[Store, Scale, Path], list[Path]]] = {
    "modcog/clusters": maps,
    "modcog/tasks": by_task,
    "modcog/figure4": figure4,
    "modcog/figure7b": figure7b,
    "modcog/figure5d": best_density,
    "modcog/components": components,
}

NEEDS: dict[str, str] = {
    "modcog/clusters": f"{SIMPLE} {BATTERY} {LARGE}",
    "modcog/tasks": f"{BATTERY} {LARGE}",
    "modcog/figure5d": "modcog/figure7a",
    "modcog/figure7b": BATTERY,
}
