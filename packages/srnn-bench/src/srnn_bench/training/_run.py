"""One run: an experiment and a seed become a result."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import torch

from .._files import DiskError
from ..experiment import Epoch, Experiment, Result, RunOutput
from ._checkpoint import CheckpointPolicy, Checkpoints
from ._device import applied, describe, resolve_device
from ._engine import Engine
from ._graphed import CudaRecorder, Graphed
from ._member import Member
from ._parts import Parts, assemble
from ._single import Single
from ._stacked import Stacked
from ._trainer import Progress, Trainer

NO_CHECKPOINTS = CheckpointPolicy()


def run(
    experiment: Experiment,
    *,
    seed: int,
    device: str = "auto",
    precision: str = "float32",
    threads: int = 1,
    progress: Callable[[str, int, int, Epoch], None] | None = None,
) -> Result:
    """Train and measure every stage of an experiment.

    On a CPU the same experiment, seed and number of threads give the same bits. `device` is `auto`, `cpu` or
    `cuda[:n]`; `precision` is `float32`, `tf32` or `bfloat16` (autocast); `progress(stage, number, epochs, epoch)` is
    called after each epoch, whose number counts from 1. A run that diverges ends as a result with its reason; a
    mistake in the experiment, such as a glob that matches no parameter, raises ValueError before anything is trained.
    An error after a stage was finished ends as a failed result that keeps what was finished.
    """
    told = progress or (lambda *_: None)
    (made,) = run_together(
        experiment,
        (seed,),
        device=device,
        precision=precision,
        threads=threads,
        progress=lambda _, *step: told(*step),
    )
    return made.result


def run_together(
    experiment: Experiment,
    seeds: Sequence[int],
    *,
    device: str = "auto",
    precision: str = "float32",
    threads: int = 1,
    recorded: bool = False,
    progress: Progress,
    keeping: CheckpointPolicy = NO_CHECKPOINTS,
    tell: Callable[[str], None] = lambda text: None,
) -> list[RunOutput]:
    """Run an experiment with one seed, or with several as one stacked computation; see `run` and `Stacked`.

    With `recorded`, the training step of a single run on a GPU is recorded and replayed; see `Graphed`.

    Runs that find a checkpoint of theirs go on from it, if all that decides their bits is the same as then.
    Raises ValueError where `run` does, and DiskError when a checkpoint cannot be written.
    """
    where = resolve_device(device)
    keys = [experiment.key(seed) for seed in seeds]
    environment = describe(experiment.task.kind, where, precision, threads, stacked=len(seeds), recorded=recorded)
    folder = keeping.folder(keys)
    checkpoints = None
    if folder is not None:
        same = environment.model_dump(exclude={"commit"})
        identity = {"keys": keys, "environment": same, "weights": keeping.weights}
        checkpoints = Checkpoints(folder, identity, every=keeping.every, tell=tell)
    begin = time.perf_counter()
    members: list[Member] = []
    seconds, failed = 0.0, None
    with applied(where, precision, threads):
        try:
            members = [Member(assemble(experiment, seed, where)) for seed in seeds]
            engine = engine_of([member.parts for member in members], where, recorded, tell)
            trainer = Trainer(
                members,
                engine,
                device=where,
                progress=progress,
                checkpoints=checkpoints,
                keep_weights=keeping.weights,
            )
            trainer.train()
            seconds = trainer.at.seconds
        except DiskError:
            raise
        except Exception as error:
            if not any(member.finished for member in members):
                raise
            failed, seconds = explain(error), time.perf_counter() - begin

    def made(member: Member, key: str, seed: int) -> RunOutput:
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

    return [made(member, key, seed) for member, key, seed in zip(members, keys, seeds, strict=True)]


def engine_of(parts: Sequence[Parts], device: torch.device, recorded: bool, tell: Callable[[str], None]) -> Engine:
    """Return what takes the steps of runs: stacked where they are several, recorded where asked for on a GPU."""
    if len(parts) > 1:
        return Stacked(parts, device)
    if recorded and device.type == "cuda":
        return Graphed(parts, device, CudaRecorder(device), tell=tell)
    return Single(parts, device)


def explain(error: BaseException) -> str:
    """Say in a line what went wrong and where."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"
