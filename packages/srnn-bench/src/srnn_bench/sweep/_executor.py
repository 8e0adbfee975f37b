"""Who makes the runs of a sweep: this process, or worker processes of this machine."""

from __future__ import annotations

from typing import Protocol

import torch

from ..experiment import RunOutput
from ..training import resolve_device
from ._work import RunEvents, Work, make

Ended = tuple[Work, list[RunOutput]]


class Executor(Protocol):
    """What makes runs. It is used by one thread; `close` ends what is under way."""

    def device(self, name: str) -> torch.device:
        """Return the kind of device that runs are made on where that of this name is asked for."""

    def free(self) -> int:
        """Return how many more pieces of work may be given now."""

    def submit(self, work: Work) -> None:
        """Begin a piece of work."""

    def ended(self, events: RunEvents, timeout: float) -> list[Ended]:
        """Wait for at most `timeout` seconds for work to end, telling meanwhile what is heard; return what ended."""

    def close(self) -> None:
        """End all that is under way, and give back what is held."""


class InProcess:
    """Makes the runs one after the other in this process."""

    def __init__(self) -> None:
        self.work: Work | None = None

    def device(self, name: str) -> torch.device:
        """Return the device of this machine."""
        return resolve_device(name)

    def free(self) -> int:
        """Return 1 while nothing is given, else 0."""
        return int(self.work is None)

    def submit(self, work: Work) -> None:
        """Take the work; it is done in `ended`."""
        self.work = work

    def ended(self, events: RunEvents, timeout: float) -> list[Ended]:
        """Make the runs that were given, however long it takes."""
        work, self.work = self.work, None
        return [] if work is None else [(work, make(work, events))]

    def close(self) -> None:
        """Do nothing."""
