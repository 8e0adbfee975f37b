"""Which runs are trained together as one batched computation."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal, get_args

import torch

from .._errors import BenchError
from ..experiment import Experiment, Job

Stack = Literal["auto", "always", "never"]

# On the CPU measured by benchmarks/stacking.py, see docs/results/stacking.md; on a GPU estimated, not measured.
FEWEST = 4  # runs for which stacking pays
LARGEST = {"cpu": 16, "cuda": 32}  # runs per stack: more save little, and a crash loses all of them
NEURONS = {"cpu": 128, "cuda": 1024}  # largest hidden size for which stacking pays


def stacks(jobs: Sequence[Job], device: torch.device, stack: Stack) -> list[tuple[Job, ...]]:
    """Return the runs as pieces of work: seeds of one experiment together if they are to be stacked.

    `auto` stacks small networks with at least four seeds, `always` everything with at least two, `never` nothing.
    The number of workers has no influence: a run's place in its stack determines its last bits.
    """
    if stack not in get_args(Stack):
        raise BenchError(f"stack: expected {', '.join(get_args(Stack))}, got {stack!r}")
    by_experiment: dict[Experiment, list[Job]] = {}
    for job in jobs:
        by_experiment.setdefault(job.experiment, []).append(job)
    units: list[tuple[Job, ...]] = []
    for experiment, seeds in by_experiment.items():
        stacked = _pays(experiment, len(seeds), device, stack)
        units += _parts(seeds, LARGEST[device.type] if stacked else 1)
    place = {job.key: number for number, job in enumerate(jobs)}
    return sorted(units, key=lambda unit: place[unit[0].key])


def _pays(experiment: Experiment, seeds: int, device: torch.device, stack: Stack) -> bool:
    if any(stage.training.rates.kind != "constant" for stage in experiment.stages):
        return False  # each run has its own learning rate
    if stack == "auto":
        return seeds >= FEWEST and experiment.model.hidden <= NEURONS[device.type]
    return stack == "always" and seeds > 1


def _parts(jobs: Sequence[Job], largest: int) -> list[tuple[Job, ...]]:
    """Split jobs, in order, into as few parts of at most `largest` as possible, of nearly equal size."""
    number = -(-len(jobs) // largest)
    cuts = [len(jobs) * part // number for part in range(number + 1)]
    return [tuple(jobs[start:end]) for start, end in itertools.pairwise(cuts)]
