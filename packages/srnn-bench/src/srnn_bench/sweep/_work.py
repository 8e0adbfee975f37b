"""A piece of work for one process: the runs that it makes together, and how an error among them becomes a result."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from .._files import DiskError
from ..experiment import Conditions, Epoch, Job, Result, RunOutput
from ..training import CheckpointPolicy, describe, explain, resolve_device, run_together

Told = Callable[[str, str, int, int, Epoch], None]


@dataclass(frozen=True)
class Work:
    """Runs to be made together: one by itself, or several seeds of one experiment, stacked."""

    jobs: tuple[Job, ...]
    conditions: Conditions
    keeping: CheckpointPolicy

    @property
    def singly(self) -> list[Work]:
        """The same runs, each by itself."""
        return [Work((job,), self.conditions, self.keeping) for job in self.jobs]


def make(work: Work, told: Told, tell: Callable[[str], None]) -> list[RunOutput]:
    """Make the runs; an error becomes a failed result of each.

    `told(key, stage, number, epochs, epoch)` is called after each epoch, `tell` with what a person should know.
    Raises DiskError alone, since then nothing can go on.
    """
    begin = time.perf_counter()
    keys = {job.seed: job.key for job in work.jobs}
    try:
        return run_together(
            work.jobs[0].experiment,
            tuple(keys),
            device=work.conditions.device,
            precision=work.conditions.precision,
            threads=work.conditions.threads,
            recorded=work.conditions.recorded,
            progress=lambda seed, *step: told(keys[seed], *step),
            keeping=work.keeping,
            tell=tell,
        )
    except DiskError:
        raise
    except Exception as error:
        return failures(work, error, time.perf_counter() - begin)


def failures(work: Work, error: BaseException, seconds: float = 0.0) -> list[RunOutput]:
    """Return the failed results of runs that ended with this error."""
    conditions = work.conditions
    try:
        device = resolve_device(conditions.device)
    except ValueError:  # another machine has it
        device = torch.device(conditions.device)
    environment = describe(
        work.jobs[0].experiment.task.kind,
        device,
        conditions.precision,
        conditions.threads,
        stacked=len(work.jobs),
    )
    return [
        RunOutput(
            Result(
                key=job.key,
                experiment=job.experiment,
                seed=job.seed,
                status="failed",
                reason=explain(error),
                environment=environment,
                seconds=seconds / len(work.jobs),
            ),
            {},
        )
        for job in work.jobs
    ]
