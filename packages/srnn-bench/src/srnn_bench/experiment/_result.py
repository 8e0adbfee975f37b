"""`Result` and its parts: what a run measured, and where it was executed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from .._value import Value
from ._experiment import Experiment


class Epoch(Value):
    """Means over the batches of one epoch, and the density of the weights that pruning considers.

    `validation` is the loss on the validation split after the epoch and `learning_rate` the one used in the epoch;
    both are set only if the learning rate depends on the validation loss. `metrics` are measured on the validation
    split after the epoch, in the epochs selected by `Training.evaluate_every`.
    """

    loss: float
    penalty: float
    density: float
    validation: float | None = None
    learning_rate: float | None = None
    metrics: dict[str, float] = Field(default_factory=dict)

    @property
    def numbers(self) -> dict[str, float]:
        """All measured numbers by name; metrics of the validation split have the prefix `validation_`."""
        means = {name: value for name, value in self if name != "metrics" and value is not None}
        return means | {f"validation_{name}": value for name, value in self.metrics.items()}


class StageResult(Value):
    """Measurements of a finished stage.

    Attributes:
        metrics: Metrics on held-out data.
        densities: Density of each weight matrix, from its mask (1 without a mask).
        history: One entry per epoch.
        steps: Number of training steps.
        step_ms: Mean wall time of a training step after the first epoch, in milliseconds; for stacked runs, the time
            of the stack divided by the number of runs.
        peak_memory_mb: Peak memory allocated on the device, in MiB. On a CPU, the peak resident size of the process so
            far, which includes earlier runs of the same worker; None on Windows, where it is not available.
        present: Number of entries of each weight matrix with |w| > 1e-5, with or without a mask.
        kept: Number of entries of each gate of each weight matrix that its mask leaves, in the order of the gates (all
            entries without a mask); a matrix without gates has one number. Empty in results of older versions.
        pruning_ms: Wall time of all pruning steps of the stage together, including what the criterion computes on
            data, in milliseconds; 0 if the stage does not prune. For stacked runs, that of all divided by their number.
        engines: Engines that ran the recurrences in the stage, in the order of their first use. Empty if none was asked
            for (`Environment.engine` is `loop`).
    """

    name: str
    metrics: dict[str, float]
    densities: dict[str, float]
    history: tuple[Epoch, ...]
    steps: int
    step_ms: float
    peak_memory_mb: float | None
    present: dict[str, int] = Field(default_factory=dict)
    kept: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    pruning_ms: float = 0.0
    engines: tuple[str, ...] = ()


class Environment(Value):
    """Software, device and conditions under which a run was executed.

    `packages` are the versions of srnn's packages, of the distribution that provides the task, and of those that the
    task declares (`Task.packages`). `commit` is the commit of srnn's working copy, with the suffix `-dirty` if it has
    changes, and None for an installed package. `stacked` is the number of runs that were trained as one batched
    computation (1 for a single run). `recorded` is whether recording of the training step on a GPU was requested.
    `processor` is the instruction set that torch's CPU kernels use and the processor's name: the bits of a run depend
    on both. It is None in results of version 0.1. `engine` is the engine that was asked for; those that ran are in
    `StageResult.engines`.

    The fields are flat because they are those of a stored row.
    """

    packages: dict[str, str]
    torch: str
    python: str
    device: str
    precision: str
    threads: int
    stacked: int = 1
    recorded: bool = False
    commit: str | None = None
    processor: str | None = None
    engine: str = "loop"


class Result(Value):
    """Outcome of a run: `done`, `diverged` (a loss, weight or metric is not finite), or `failed` (an error).

    `stages` holds the stages that were finished, also of a run that diverged or failed; `reason` is why it did.
    """

    key: str
    experiment: Experiment
    seed: int
    status: Literal["done", "diverged", "failed"]
    reason: str | None = None
    stages: tuple[StageResult, ...] = ()
    environment: Environment
    seconds: float

    def stage(self, name: str) -> StageResult | None:
        """Return the stage with this name, or None if the run ended before the stage was finished."""
        return next((stage for stage in self.stages if stage.name == name), None)


@dataclass(frozen=True)
class EpochEnd:
    """A finished epoch of a run: `number` counts from 1 to `epochs` within the stage named `stage`."""

    seed: int
    stage: str
    number: int
    epochs: int
    epoch: Epoch


@dataclass(frozen=True)
class RunOutput:
    """Result of a run, and the kept weights and masks: the bytes of one safetensors file per stage."""

    result: Result
    weights: dict[str, bytes] = field(default_factory=dict)
