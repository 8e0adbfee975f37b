"""Which runs are trained together as one batched computation."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal, get_args

import torch

from ..experiment import Experiment, Job

Stack = Literal["auto", "always", "never"]

# On the CPU measured by benchmarks/stacking.py, see docs/results/stacking.md; on a GPU an estimate, not measured.
FEWEST = 4  # runs that are worth stacking

LARGEST = {"cpu": 16, "cuda": 32}  # runs in one stack: more save little, and all are lost together

NEURONS = {"cpu": 128, "cuda": 1024}  # up to which stacking is worth while


def stacks(jobs: Sequence[Job], device: torch.device, how: Stack) -> list[tuple[Job, ...]]:
    """Return the runs as pieces of work: seeds of one experiment together where they are to be stacked.

    `auto` stacks small networks, of which there are at least four seeds; `always` whatever has two, `never` nothing.
    The number of workers has no say in it: a run's place in its stack decides its last bits.
    """
    if how not in get_args(Stack):
        raise ValueError(f"stack: expected {', '.join(get_args(Stack))}, got {how!r}")
    together: dict[Experiment, list[Job]] = {}
    for job in jobs:
        together.setdefault(job.experiment, []).append(job)
    units: list[tuple[Job, ...]] = []
    for experiment, same in together.items():
        stacked = _worth_stacking(experiment, len(same), device, how)
        units += _parts(same, LARGEST[device.type] if stacked else 1)
    place = {job.key: number for number, job in enumerate(jobs)}
    return sorted(units, key=lambda unit: place[unit[0].key])


def _worth_stacking(experiment: Experiment, seeds: int, device: torch.device, how: Stack) -> bool:
    if any(stage.training.rates.kind != "constant" for stage in experiment.stages):
        return False  # each run has a learning rate of its own
    if how == "auto":
        return seeds >= FEWEST and experiment.model.recurrence.hidden <= NEURONS[device.type]
    return how == "always" and seeds > 1


def _parts(jobs: Sequence[Job], largest: int) -> list[tuple[Job, ...]]:
    """Return the jobs, in order, in as few parts of at most `largest` as there can be, of nearly the same size."""
    number = -(-len(jobs) // largest)
    cuts = [len(jobs) * part // number for part in range(number + 1)]
    return [tuple(jobs[start:end]) for start, end in itertools.pairwise(cuts)]
