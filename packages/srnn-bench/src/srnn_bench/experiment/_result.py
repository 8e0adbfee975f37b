"""What a run gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from .._value import Value
from ._experiment import Experiment


class Epoch(Value):
    """Means over the batches of one epoch, and the share of weights present in the pruned scope.

    `validation` is the loss on the validation split after the epoch, `learning_rate` that of the epoch; both only
    where the learning rate goes by the validation loss. `metrics` are those of the validation split after the epoch,
    in the epochs that `Training.evaluate_every` names.
    """

    loss: float
    penalty: float
    density: float
    validation: float | None = None
    learning_rate: float | None = None
    metrics: dict[str, float] = Field(default_factory=dict)

    @property
    def numbers(self) -> dict[str, float]:
        """All that was measured, by name; a metric of the validation split as `validation_` and its name."""
        means = {name: value for name, value in self if name != "metrics" and value is not None}
        return means | {f"validation_{name}": value for name, value in self.metrics.items()}


class StageResult(Value):
    """What a finished stage measured.

    `metrics` come from held-out data; `densities` are the share of weights present of each weight matrix, by its
    mask; `present` is the number of its entries farther from 0 than 1e-5, whatever made the others small;
    `step_ms` is the mean wall time of a training step after the first epoch, in milliseconds, in a stack the run's
    share; `peak_memory_mb` is the device's peak allocation, on a CPU the peak resident size of the
    process so far, earlier runs of the same worker included, in MiB (None on Windows, which does not tell).
    """

    name: str
    metrics: dict[str, float]
    densities: dict[str, float]
    history: tuple[Epoch, ...]
    steps: int
    step_ms: float
    peak_memory_mb: float | None
    present: dict[str, int] = Field(default_factory=dict)


class Environment(Value):
    """Where and by what a run was made.

    `packages` are the versions of srnn and of the task's distribution; `commit` is that of srnn's working copy, with
    `-dirty` where it was changed, None for a released package; `stacked` is the number of runs that were trained as
    one batched computation, 1 for a run by itself; `recorded`, whether its step was to be recorded on a GPU.
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


class Result(Value):
    """A run's end: `done`, `diverged` (a loss, weight or metric that is no number), or `failed` (an error).

    Stages that were finished before the end stay in `stages`; `reason` says why it ended otherwise.
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
        """Return the stage of that name, or None when the run ended before it was finished."""
        return next((stage for stage in self.stages if stage.name == name), None)


@dataclass(frozen=True)
class EpochEnd:
    """One epoch that a run has finished: `number` counts from 1 to `epochs` within the stage named `stage`."""

    seed: int
    stage: str
    number: int
    epochs: int
    epoch: Epoch


@dataclass(frozen=True)
class RunOutput:
    """The result of a run, and its weights and masks by stage as bytes of safetensors files where they were kept."""

    result: Result
    weights: dict[str, bytes] = field(default_factory=dict)
