"""Executors: where the runs of a sweep are executed."""

from __future__ import annotations

from typing import Protocol

import torch

from ..experiment import RunOutput
from ..training import resolve_device
from ._work import RunEvents, Work, execute

Ended = tuple[Work, list[RunOutput]]


class Executor(Protocol):
    """Executes pieces of work. It is used by one thread; `close` stops everything that is in progress."""

    def device(self, name: str) -> torch.device:
        """Return the kind of device on which runs are executed if the device of this name is asked for."""

    def free(self) -> int:
        """Return how many more pieces of work may be submitted now."""

    def submit(self, work: Work) -> None:
        """Start a piece of work."""

    def ended(self, events: RunEvents, timeout: float) -> list[Ended]:
        """Wait at most `timeout` seconds for work to end, reporting events meanwhile; return the work that ended."""

    def close(self) -> None:
        """Stop everything that is in progress, and release resources."""


class InProcess:
    """Executes the runs one after the other in this process."""

    def __init__(self) -> None:
        self.work: Work | None = None

    def device(self, name: str) -> torch.device:
        """Return the device of this machine."""
        return resolve_device(name)

    def free(self) -> int:
        """Return 1 if no work is pending, else 0."""
        return int(self.work is None)

    def submit(self, work: Work) -> None:
        """Accept the work; `ended` executes it."""
        self.work = work

    def ended(self, events: RunEvents, timeout: float) -> list[Ended]:
        """Execute the submitted runs, however long it takes."""
        work, self.work = self.work, None
        return [] if work is None else [(work, execute(work, events))]

    def close(self) -> None:
        """Do nothing."""
