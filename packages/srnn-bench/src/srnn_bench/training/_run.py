"""One run: an experiment and a seed become a result."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import torch

from .._files import DiskError
from ..experiment import Conditions, EpochEnd, Experiment, Result, RunOutput
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

    `on_epoch` is called after each epoch. A run that diverges ends with a result that states the reason. An error
    after at least one stage was finished ends with a failed result that keeps the finished stages.

    Raises:
        BenchError: For a mistake in the experiment, such as a glob that matches no parameter, before anything is
            trained.
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
        BenchError: Where `run` raises it.
        DiskError: If a checkpoint cannot be written.
    """
    device = resolve_device(conditions.device)
    keys = [experiment.key(seed) for seed in seeds]
    environment = describe(experiment.task.kind, conditions, stacked=len(seeds))
    checkpoints = policy.open(keys, environment, on_note)
    begin = time.perf_counter()
    members: list[Member] = []
    seconds, failed = 0.0, None
    with applied(conditions):
        try:
            members = [Member(assemble(experiment, seed, device)) for seed in seeds]
            engine = engine_of([member.parts for member in members], device, conditions.recorded, on_note)
            trainer = Trainer(
                members,
                engine,
                device=device,
                on_epoch=on_epoch,
                checkpoints=checkpoints,
                keep_weights=policy.weights,
            )
            trainer.train()
            seconds = trainer.at.seconds
        except DiskError:
            raise
        except Exception as error:
            if not any(member.finished for member in members):
                raise
            failed, seconds = explain(error), time.perf_counter() - begin

    def output(member: Member, key: str, seed: int) -> RunOutput:
        status: Literal["done", "diverged", "failed"] = "done" if member.diverged is None else "diverged"
        result = Result(
            key=key,
            experiment=experiment,
            seed=seed,
            status=status if failed is None else "failed",
            reason=failed or member.diverged,
            stages=tuple(member.finished),
            environment=environment,
            seconds=seconds / len(seeds),
        )
        return RunOutput(result, dict(member.weights))

    return [output(member, key, seed) for member, key, seed in zip(members, keys, seeds, strict=True)]


def engine_of(parts: Sequence[Parts], device: torch.device, recorded: bool, on_note: Callable[[str], None]) -> Engine:
    """Return what takes the steps of runs: stacked where they are several, recorded where asked for on a GPU."""
    if len(parts) > 1:
        return Stacked(parts, device)
    if recorded and device.type == "cuda":
        return Graphed(parts, device, CudaRecorder(device), tell=on_note)
    return Single(parts, device)


def explain(error: BaseException) -> str:
    """Say in a line what went wrong and where."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"
