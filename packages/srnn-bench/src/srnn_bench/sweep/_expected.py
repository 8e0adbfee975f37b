"""How long runs take on the CPU of this machine, without executing a step: from their sizes and a short measurement.

A training step costs time per operation (small networks), per multiply-add of its matrix products (large ones) and per
parameter (the optimizer). The factors were fitted to 75 kinds of networks of the papers, from 1 to 3,600 neurons and
1 ms to 3 s per step: the estimates of their steps were 0.7 to 1.3 times the measured ones. `estimate` times steps
instead, which takes seconds per kind of network.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch

from srnn_tasks import Outline, Source, Task

from ..experiment import Conditions, Experiment, Job
from ..training import applied

DRAW_OPERATIONS = 1000  # of a batch of a task that does not say how long its batches take
STEP_OPERATIONS = 500  # tensor operations per training step, e.g. those of the loss and the optimizer
CELL_OPERATIONS = 48  # per time step, layer and gate, forward and backward
PRODUCTS = 6  # floating-point operations per multiply-add: forward, and twice backward
INEFFICIENCY = 1.6  # of the products of a training step, compared with one product repeated
PARAMETER_FLOPS = 6_500  # time of Adam per parameter, in floating-point operations of a product
EVALUATION = 1.1  # time of a run, compared with its training steps
RUN_SECONDS, SWEEP_SECONDS = 0.05, 2.0  # to build a network; to start workers
GATES = {"gru": 3, "lstm": 4}  # other cells have one
CELLS = {"block": 3, "projected_lstm": 5}  # tensor operations of a time step in cells of one gate, measured


@dataclass(frozen=True)
class Speed:
    """Speed of one core: seconds per small tensor operation, and per floating-point operation of a matrix product."""

    operation: float
    flop: float


def measure_speed() -> Speed:
    """Measure the speed of one core; takes 0.05 s. It is processor time, so other programs have little influence."""
    small, rows, weights = torch.zeros(8, 8), torch.zeros(64, 512) + 0.5, torch.zeros(512, 512) + 0.5

    def per_call(call: Callable[[], object], number: int) -> float:
        best = float("inf")
        for _ in range(4):
            begin = time.process_time()
            for _ in range(number):
                call()
            best = min(best, (time.process_time() - begin) / number)
        return best

    with applied(Conditions(device="cpu")):
        operation = per_call(lambda: small.add(small), 300)
        product = per_call(lambda: rows @ weights, 20)
    return Speed(operation, product / (2 * 64 * 512 * 512))


@dataclass
class Expectation:
    """Expected times of runs; each task is looked at once.

    tasks: sources and draws of the tasks looked at so far; None for a task that cannot be opened without its data.
    """

    speed: Speed = field(default_factory=measure_speed)
    tasks: dict[Task, _Opened | None] = field(default_factory=dict)

    def run(self, experiment: Experiment) -> float | None:
        """Return the expected seconds of one run, or None if they cannot be known without the data of its task."""
        seconds = 0.0
        for stage in experiment.stages:
            training = stage.training
            sizes, draw = self._sizes(stage.task or experiment.task, training.batch_size)
            batches = training.batches or (sizes.epoch_batches if sizes else None)
            if sizes is None or batches is None:
                return None
            step = self._step(experiment.model, sizes, training.batch_size) + draw
            seconds += training.epochs * batches * step
        return RUN_SECONDS + EVALUATION * seconds

    def jobs(self, jobs: Iterable[Job], workers: int) -> float | None:
        """Return the expected seconds of a sweep with so many workers, or None if a run's time is not known."""
        runs: dict[int, tuple[Experiment, int]] = {}  # by identity, as the hash of an experiment takes long
        for job in jobs:
            experiment, count = runs.get(id(job.experiment), (job.experiment, 0))
            runs[id(experiment)] = experiment, count + 1
        times = [(self.run(experiment), count) for experiment, count in runs.values()]
        known = [(seconds, count) for seconds, count in times if seconds is not None]
        number = sum(count for _, count in times)
        if len(known) < len(times):
            return None
        if not number:
            return 0.0
        used = min(workers, number)
        total = sum(seconds * count for seconds, count in known)
        return max(total / used, *(seconds for seconds, _ in known)) + (SWEEP_SECONDS if used > 1 else 0.0)

    def _sizes(self, task: Task, batch_size: int) -> tuple[Outline | None, float]:
        """Return the sizes of a task, and the seconds to draw a batch."""
        try:
            outline = task.outline(batch_size)
            if outline is not None:
                return outline, 0.0
            if task not in self.tasks:
                self.tasks[task] = _open(task)
            opened = self.tasks[task]
            if opened is None:
                return None, 0.0
            spec, epoch = opened.source.spec, opened.source.epoch_batches(batch_size)
        except Exception:  # a task of a third party may raise anything; the run will say what
            self.tasks[task] = None
            return None, 0.0
        draw = DRAW_OPERATIONS * self.speed.operation if opened.draw is None else opened.draw
        return Outline(inputs=spec.inputs, outputs=spec.outputs, steps=opened.steps, epoch_batches=epoch), draw

    def _step(self, model: Any, sizes: Outline, batch_size: int) -> float:
        """Return the seconds of a training step without the drawing of its batch."""
        weights, embedded, cells = _sizes_of(model, sizes)
        flops = INEFFICIENCY * PRODUCTS * sizes.steps * batch_size * weights
        flops += PARAMETER_FLOPS * (weights + embedded)
        operations = STEP_OPERATIONS + CELL_OPERATIONS * sizes.steps * cells
        return operations * self.speed.operation + flops * self.speed.flop


def _sizes_of(model: Any, sizes: Outline) -> tuple[int, int, int]:
    """Return the weights that are multiplied in a time step, those of an embedding, and the cells of one gate."""
    neurons: int = model.hidden
    if model.kind == "block":
        units = neurons + sizes.outputs
        return units * (sizes.inputs + units), 0, CELLS["block"]
    if model.kind == "projected_lstm":
        return neurons * (4 * (sizes.inputs + sizes.outputs) + sizes.outputs), 0, CELLS["projected_lstm"]
    gates: int = GATES.get(model.recurrence.kind, 1)
    layers: int = getattr(model, "layers", 1)
    embedding: int = (getattr(model, "embedding", None) or neurons) if model.kind == "language_model" else 0
    weights = gates * neurons * ((embedding or sizes.inputs) + neurons)
    weights += (layers - 1) * gates * neurons * 2 * neurons + neurons * sizes.outputs
    return weights, sizes.inputs * embedding, layers * gates


@dataclass(frozen=True)
class _Opened:
    """A source, its time steps T, and the seconds to draw a batch of two rows, if one was drawn."""

    source: Source
    steps: int
    draw: float | None


def _open(task: Task) -> _Opened | None:
    """Open a task; None if its data are not there. A batch is drawn unless the task has a field `steps`, taken as T."""
    data = task.data_set()
    if data is not None and data.place is None:
        return None
    with applied(Conditions(device="cpu")):
        source = task.open(device="cpu", generator=torch.Generator().manual_seed(0))
        if isinstance(steps := getattr(task, "steps", None), int):
            return _Opened(source, steps, None)
        begin = time.process_time()
        batch = next(source.batches(2, generator=torch.Generator().manual_seed(0)))
        return _Opened(source, batch.inputs.shape[0], time.process_time() - begin)


def roughly(seconds: float | None) -> str:
    """Show an estimated time in one unit, rounded.

    >>> [roughly(seconds) for seconds in (0.2, 14, 70, 5000, 200_000, None)]
    ['1 s', '15 s', '1 min', '85 min', '2.3 d', '?']
    """
    if seconds is None:
        return "?"
    units = ((1, "s", 55), (60, "min", 90), (3600, "h", 36), (86_400, "d", float("inf")))
    size, unit = next((size, unit) for size, unit, limit in units if seconds / size < limit)
    number = seconds / size
    if number >= 20:
        return f"{5 * round(number / 5):.0f} {unit}"
    if unit == "s":
        return f"{max(1, round(number) if number < 10 else 5 * round(number / 5))} s"
    return f"{number:.1f} {unit}".replace(".0 ", " ") if number < 3 and unit != "min" else f"{number:.0f} {unit}"
