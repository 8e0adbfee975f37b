"""A piece of work for one process: runs that it executes together, and how an error among them becomes a result."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Protocol

import torch

from .._errors import BenchError
from .._files import DiskError
from ..experiment import Conditions, EpochEnd, Job, Result, RunOutput
from ..training import CheckpointPolicy, describe, explain, resolve_device, run_together


class RunEvents(Protocol):
    """Receives what an executor reports while runs are executed."""

    def epoch(self, key: str, end: EpochEnd) -> None:
        """The run with this key finished an epoch."""

    def note(self, text: str) -> None:
        """A message for the user."""


@dataclass(frozen=True)
class Work:
    """Runs that one process executes together: a single run, or several seeds of one experiment, stacked."""

    jobs: tuple[Job, ...]
    conditions: Conditions
    policy: CheckpointPolicy

    @property
    def singly(self) -> list[Work]:
        """The same runs, each on its own."""
        return [Work((job,), self.conditions, self.policy) for job in self.jobs]


def execute(work: Work, events: RunEvents) -> list[RunOutput]:
    """Execute the runs; an error becomes a failed result of each.

    Raises:
        DiskError: If a checkpoint cannot be written. No other error is raised.
    """
    begin = time.perf_counter()
    keys = {job.seed: job.key for job in work.jobs}
    try:
        return run_together(
            work.jobs[0].experiment,
            tuple(keys),
            conditions=work.conditions,
            policy=work.policy,
            on_epoch=lambda end: events.epoch(keys[end.seed], end),
            on_note=events.note,
        )
    except DiskError:
        raise
    except Exception as error:
        return failures(work, error, time.perf_counter() - begin)


def failures(work: Work, error: BaseException, seconds: float = 0.0) -> list[RunOutput]:
    """Return the failed results of runs that ended with this error after `seconds` in total."""
    try:
        device = resolve_device(work.conditions.device)
    except BenchError:  # a device of another machine
        device = torch.device(work.conditions.device)
    conditions = replace(work.conditions, recorded=False)  # nothing is known to have been recorded
    environment = describe(work.jobs[0].experiment.task.kind, conditions, stacked=len(work.jobs), device=device)
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
            )
        )
        for job in work.jobs
    ]
