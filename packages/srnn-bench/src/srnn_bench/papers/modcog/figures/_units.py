"""Units of a trained network and their clusters by task variance (appendix B of arXiv 2207.03523)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from srnn_tasks import Cognitive
from srnn_tasks.cognitive import PERIODS, OneTrial

from .... import analysis
from ... import KeptRun, network_of

FIXATION, PADDING = PERIODS.index("fixation"), PERIODS.index("padding")

TRIALS = 40  # per task, without noise


@dataclass(frozen=True)
class Units:
    """The active units of a network: normalised variances `points (N, tasks)`, and their clusters.

    active: bool `(hidden,)`, the units whose variance is above the threshold.
    """

    names: tuple[str, ...]
    active: Tensor
    points: Tensor
    clustering: analysis.Clustering


def units_of(run: KeptRun) -> Units:
    """Return the active units of a kept run, measured on trials without noise and without the fixation period."""
    task = run.result.experiment.task
    assert isinstance(task, Cognitive)
    task = task.model_copy(update={"sigma": 0.0, "layout": OneTrial()})
    generator = torch.Generator().manual_seed(0)
    source = task.open(device="cpu", generator=generator)
    network = network_of(run, source.spec, generator=generator)
    variances = []
    for slot in range(len(task.names)):
        slots = torch.full((TRIALS, 1), slot)
        batch = source.show(source.drawer.draw(slots, generator=generator), source.drawer.longest, generator=generator)
        with torch.no_grad():
            activity, _ = network.recurrence(batch.inputs)  # (T, B, N)
        period, elapsed = batch.info["period"], batch.info["elapsed"]
        scored = (period != FIXATION) & (period != PADDING)
        aligned, present = analysis.align_periods(activity, period, elapsed, scored)
        variances.append(analysis.task_variance(aligned, torch.zeros(TRIALS, dtype=torch.int64), present))
    variance = torch.cat(variances)  # (tasks, hidden)
    active = analysis.active_units(variance)
    points = analysis.normalised(variance[:, active])
    return Units(task.names, active, points, analysis.clusters(points))
