"""Which runs are trained together as one batched computation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch

from ._experiment import Experiment
from ._job import Job

Stack = Literal["auto", "always", "never"]

LARGEST = 32  # runs in one stack: more of them save little, and all are lost together
FEWEST = 4  # runs that are worth stacking; measured by benchmarks/stacking.py, as is the CPU's number of neurons
NEURONS = {"cpu": 128, "cuda": 1024}  # up to which stacking is worth while; on a GPU an estimate, not measured


def stacks(jobs: Sequence[Job], device: torch.device, how: Stack, workers: int) -> list[tuple[Job, ...]]:
    """Return the runs as pieces of work: seeds of one experiment together where they are to be stacked.

    `auto` stacks small networks, of which there are at least four seeds; `always` whatever has two, `never` nothing.
    Stacks are made small enough to give each worker one. How many runs are in a stack does not change their bits.
    """
    if how not in ("auto", "always", "never"):
        raise ValueError(f"stack: expected auto, always or never, got {how!r}")
    together: dict[Experiment, list[Job]] = {}
    for job in jobs:
        together.setdefault(job.experiment, []).append(job)
    chosen = {
        experiment: same for experiment, same in together.items() if _worth_stacking(experiment, len(same), device, how)
    }
    share = max(FEWEST, -(-sum(map(len, chosen.values())) // workers))
    units: list[tuple[Job, ...]] = []
    for job in jobs:
        same = chosen.get(job.experiment)
        if same is None:
            units.append((job,))
        elif job is same[0]:
            units += _parts(same, max(-(-len(same) // LARGEST), len(same) // share))
    return units


def _worth_stacking(experiment: Experiment, seeds: int, device: torch.device, how: Stack) -> bool:
    if how == "auto":
        return seeds >= FEWEST and experiment.model.recurrence.hidden <= NEURONS[device.type]
    return how == "always" and seeds > 1


def _parts(jobs: Sequence[Job], number: int) -> list[tuple[Job, ...]]:
    """Return the jobs in so many parts of nearly the same size, in order; in one where the number is 0."""
    least, larger = divmod(len(jobs), max(1, number))
    cut = larger * (least + 1)
    head = [jobs[start : start + least + 1] for start in range(0, cut, least + 1)]
    tail = [jobs[start : start + least] for start in range(cut, len(jobs), least)]
    return [tuple(part) for part in head + tail]
