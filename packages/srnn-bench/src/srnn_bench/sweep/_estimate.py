"""The cost of a sweep before it is executed: runs, floating-point operations and time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from ..experiment import Conditions, Experiment, Job, difference_between
from ..store import Store
from ..training import RecurrenceEngine, Single, applied, assemble, describe, resolve_device

MOST_STEPS, ENOUGH_SECONDS = 5, 5.0  # to time a training step


@dataclass(frozen=True)
class Estimate:
    """The cost of the runs of one experiment.

    label: name of the experiment. wanted, stored: number of runs asked for and already in the store. steps: training
    steps per run. flops: operations of the matrix products per run, forward and backward, two per multiply-add.
    seconds: time per run: the mean over the `measured` stored runs produced under the same conditions, or, if there
    are none, the measured time of a few training steps times their number.
    """

    label: str
    wanted: int
    stored: int
    steps: int
    flops: int
    seconds: float
    measured: int


def estimate(jobs: Iterable[Job], store: Store | None, conditions: Conditions) -> Iterator[Estimate]:
    """Yield the cost of each experiment, in order; a few training steps of each kind of network are timed."""
    device = resolve_device(conditions.device)
    by_experiment: dict[Experiment, dict[int, Job]] = {}
    for job in jobs:
        by_experiment.setdefault(job.experiment, {})[job.seed] = job
    timed: dict[Any, _Step] = {}
    for experiment, by_seed in by_experiment.items():
        results = [] if store is None else [store.get(job.key) for job in by_seed.values()]
        stored = [result for result in results if result is not None and result.status != "failed"]
        now = describe(experiment.task.kind, conditions)
        alike = [each for each in stored if each.status == "done" and not difference_between(each.environment, now)]
        steps, flops, seconds = 0, 0, 0.0
        for number, stage in enumerate(experiment.stages):
            # penalties and pruning cost little compared with the network: the columns of a table cost the same, unless
            # an engine saves the time of masked weights
            masks = () if conditions.engine == "loop" else experiment.masks
            kind = (experiment.task, experiment.model, masks, stage.training.batch_size)
            if kind not in timed:
                timed[kind] = _step(experiment, number, device, conditions)
            step = timed[kind]
            taken = stage.training.epochs * (stage.training.batches or step.epoch_batches)
            steps, flops, seconds = steps + taken, flops + taken * step.flops, seconds + taken * step.seconds
        if alike:
            seconds = statistics.fmean(result.seconds for result in alike)
        label = next(iter(by_seed.values())).label.rpartition(", seed")[0]
        yield Estimate(label, len(by_seed), len(stored), steps, flops, seconds, len(alike))


@dataclass(frozen=True)
class _Step:
    """The cost of one training step of a network, and the number of batches per epoch."""

    flops: int
    seconds: float
    epoch_batches: int


def _step(experiment: Experiment, number: int, device: torch.device, conditions: Conditions) -> _Step:
    """Time a few training steps of a stage, with the masks that the network has from initialisation on."""
    with applied(conditions):
        parts = assemble(experiment, 0, device)
        engine = Single([parts], device)
        engine.begin(number)
        with FlopCounterMode(display=False) as counter:
            engine.step().tolist()  # by the loop, whose products are those of the network
        RecurrenceEngine(parts.model, conditions.engine).begin_stage()
        times: list[float] = []
        while len(times) < MOST_STEPS and sum(times) < ENOUGH_SECONDS:
            begin = time.perf_counter()
            engine.step().tolist()  # waits for the device
            times.append(time.perf_counter() - begin)
    return _Step(counter.get_total_flops(), statistics.median(times), parts.plans[number].batches)
