"""What a sweep would cost, before it is made: runs, floating-point operations and time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from rich import box
from rich.console import Console
from rich.table import Table as Grid
from torch.utils.flop_counter import FlopCounterMode

from ..experiment import Conditions, Experiment, Job, difference_between
from ..store import Store
from ..training import Single, applied, assemble, describe, resolve_device
from ._display import duration

MOST_STEPS, ENOUGH_SECONDS = 5, 5.0  # that are taken to time a training step


@dataclass(frozen=True)
class Estimate:
    """The cost of one experiment's runs: how many are wanted and held, training steps and FLOPs and seconds of each.

    `flops` counts the matrix products of the training steps, forward and backward, two operations a multiply-add.
    `seconds` is the mean of the runs held that were made in the same way (`measured` of them); where there is none,
    the time of a few steps that were taken just now, times their number.
    """

    label: str
    wanted: int
    held: int
    steps: int
    flops: int
    seconds: float
    measured: int


def estimate(jobs: Iterable[Job], store: Store | None, conditions: Conditions) -> Iterator[Estimate]:
    """Give the cost of each experiment, in order; a few training steps are taken of each kind of network."""
    device = resolve_device(conditions.device)
    by_experiment: dict[Experiment, dict[int, Job]] = {}
    for job in jobs:
        by_experiment.setdefault(job.experiment, {})[job.seed] = job
    known: dict[Any, _Step] = {}
    for experiment, by_seed in by_experiment.items():
        found = {} if store is None else {seed: store.get(job.key) for seed, job in by_seed.items()}
        held = [result for result in found.values() if result is not None and result.status != "failed"]
        now = describe(experiment.task.kind, conditions)
        alike = [each for each in held if each.status == "done" and not difference_between(each.environment, now)]
        steps, flops, seconds = 0, 0, 0.0
        for number, stage in enumerate(experiment.stages):
            # penalties and pruning cost little beside the network, so that the columns of a table cost the same
            kind = (experiment.task, experiment.model, stage.training.batch_size)
            if kind not in known:
                known[kind] = _step(experiment, number, device, conditions)
            step = known[kind]
            taken = stage.training.epochs * (stage.training.batches or step.epoch_batches)
            steps, flops, seconds = steps + taken, flops + taken * step.flops, seconds + taken * step.seconds
        if alike:
            seconds = statistics.fmean(result.seconds for result in alike)
        label = next(iter(by_seed.values())).label.rpartition(", seed")[0]
        yield Estimate(label, len(by_seed), len(held), steps, flops, seconds, len(alike))


def print_estimates(estimates: Iterable[Estimate], workers: int, console: Console) -> None:
    """Print a row an experiment, and below what all runs cost that are still to be made."""
    grid = Grid(box=box.SIMPLE_HEAD)
    for name in ("experiment", "runs", "held", "steps a run", "FLOPs a run", "time a run", "known from"):
        grid.add_column(name, justify="left" if name in ("experiment", "known from") else "right")
    left, flops, seconds = 0, 0, 0.0
    for each in estimates:
        source = f"{each.measured} results" if each.measured else "timed steps"
        numbers = (str(each.wanted), str(each.held), str(each.steps), f"{each.flops:.3g}", duration(each.seconds))
        grid.add_row(each.label, *numbers, source)
        make = each.wanted - each.held
        left, flops, seconds = left + make, flops + make * each.flops, seconds + make * each.seconds
    console.print(grid)
    console.print(
        f"To be made: {left} runs, {flops:.3g} FLOPs, about {duration(seconds / workers)} with {workers} at once.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


@dataclass(frozen=True)
class _Step:
    """What a training step of a network costs, and how many the task's own epoch has."""

    flops: int
    seconds: float
    epoch_batches: int


def _step(experiment: Experiment, number: int, device: torch.device, conditions: Conditions) -> _Step:
    """Take a few training steps of a stage."""
    with applied(conditions):
        parts = assemble(experiment, 0, device)
        engine = Single([parts], device)
        engine.begin(number)
        with FlopCounterMode(display=False) as counter:
            engine.step().tolist()
        times: list[float] = []
        while len(times) < MOST_STEPS and sum(times) < ENOUGH_SECONDS:
            begin = time.perf_counter()
            engine.step().tolist()  # on the host: the device is waited for
            times.append(time.perf_counter() - begin)
    return _Step(counter.get_total_flops(), statistics.median(times), parts.plans[number].batches)
