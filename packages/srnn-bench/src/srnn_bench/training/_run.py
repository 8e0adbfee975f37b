"""A run: an experiment and a seed become a result."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import torch

from .._errors import BenchError
from .._files import DiskError
from ..experiment import Conditions, Environment, EpochEnd, Experiment, Result, RunOutput
from ._checkpoint import CheckpointPolicy
from ._device import applied, describe, resolve_device
from ._engine import Engine
from ._graphed import CudaRecorder, Graphed
from ._member import Member
from ._parts import Parts, assemble
from ._single import Single
from ._stacked import Stacked
from ._trainer import Trainer

DEFAULT_CONDITIONS = Conditions()
NO_CHECKPOINTS = CheckpointPolicy()


def run(
    experiment: Experiment,
    *,
    seed: int,
    conditions: Conditions = DEFAULT_CONDITIONS,
    on_epoch: Callable[[EpochEnd], None] = lambda end: None,
) -> Result:
    """Train and measure every stage of an experiment.

    `on_epoch` is called after each epoch; what it raises, e.g. `optuna.TrialPruned`, ends the run and is passed on. A
    run that diverges ends with a result that states the reason. Any other error after at least one stage was finished
    ends with a failed result that keeps the finished stages.

    Raises:
        BenchError: For a mistake in the experiment, such as a glob that matches no parameter, before anything is
            trained.
        ModelError: If the engine of the conditions cannot run the model, before anything is trained.
    """
    (output,) = run_together(experiment, (seed,), conditions=conditions, on_epoch=on_epoch)
    return output.result


def run_together(
    experiment: Experiment,
    seeds: Sequence[int],
    *,
    conditions: Conditions = DEFAULT_CONDITIONS,
    policy: CheckpointPolicy = NO_CHECKPOINTS,
    on_epoch: Callable[[EpochEnd], None] = lambda end: None,
    on_note: Callable[[str], None] = lambda text: None,
) -> list[RunOutput]:
    """Run an experiment with one seed, or with several seeds as one stacked computation; see `run` and `Stacked`.

    A run that finds its own checkpoint resumes from it, provided that everything that determines its bits is the same.
    `on_note` receives messages for the user, e.g. that a damaged checkpoint was set aside.

    Raises:
        BenchError: Where `run` raises it, or for runs that cannot be stacked, or not with this engine.
        ModelError: Where `run` raises it.
        DiskError: If a checkpoint cannot be written.
    """
    if len(seeds) > 1 and conditions.engine != "loop":
        raise BenchError(f"engine: expected loop for stacked runs, got {conditions.engine!r}")
    device = resolve_device(conditions.device)
    keys = [experiment.key(seed) for seed in seeds]
    environment = describe(experiment.task.kind, conditions, stacked=len(seeds))
    checkpoints = policy.open(keys, environment, on_note)
    begin = time.perf_counter()
    members: list[Member] = []
    with applied(conditions):
        try:
            members = [Member(assemble(experiment, seed, device), conditions.engine) for seed in seeds]
            for member in members:
                member.recurrences.check()
            engine = engine_of([member.parts for member in members], device, conditions.recorded, on_note)
            trainer = Trainer(
                members,
                engine,
                device=device,
                on_epoch=_guarded(on_epoch),
                checkpoints=checkpoints,
                keep_weights=policy.weights,
            )
            trainer.train()
            seconds, failed = trainer.position.seconds, None
        except DiskError:
            raise
        except _CallbackError as stopped:
            raise stopped.error from None
        except Exception as error:
            if not any(member.finished for member in members):
                raise
            seconds, failed = time.perf_counter() - begin, explain(error)
    return [_output(member, experiment, environment, seconds / len(seeds), failed) for member in members]


class _CallbackError(Exception):
    """Carries an exception of the caller's `on_epoch` past the handling of errors of a run."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def _guarded(on_epoch: Callable[[EpochEnd], None]) -> Callable[[EpochEnd], None]:
    def call(end: EpochEnd) -> None:
        try:
            on_epoch(end)
        except Exception as error:
            raise _CallbackError(error) from error

    return call


def _output(
    member: Member, experiment: Experiment, environment: Environment, seconds: float, failed: str | None
) -> RunOutput:
    """Return the result and the weights of a run; `failed` is the error that ended it, if any."""
    status: Literal["done", "diverged", "failed"] = "done" if member.diverged is None else "diverged"
    seed = member.parts.seed
    result = Result(
        key=experiment.key(seed),
        experiment=experiment,
        seed=seed,
        status=status if failed is None else "failed",
        reason=failed or member.diverged,
        stages=tuple(member.finished),
        environment=environment,
        seconds=seconds,
    )
    return RunOutput(result, dict(member.weights))


def engine_of(parts: Sequence[Parts], device: torch.device, recorded: bool, on_note: Callable[[str], None]) -> Engine:
    """Return the engine for these runs: stacked for several, recorded for one on a GPU if `recorded`, else single."""
    if len(parts) > 1:
        return Stacked(parts, device)
    if recorded and device.type == "cuda":
        return Graphed(parts, device, CudaRecorder(device), on_note=on_note)
    return Single(parts, device)


def explain(error: BaseException) -> str:
    """Return in one line what went wrong and where."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"
