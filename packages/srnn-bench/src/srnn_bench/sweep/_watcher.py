"""What a sweep tells while it goes, and whom: the display, and the trackers that people already use."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..experiment import EpochEnd, Job, Result


class Watcher:
    """What wants to know how a sweep goes; it is told in the process that writes the store, by one thread."""

    def reused(self, job: Job, result: Result, difference: str | None) -> None:
        """A result was in the store already; `difference` says what would be other if it were made now."""

    def begun(self, job: Job) -> None:
        """A run begins, or goes on from a checkpoint, or begins anew where its worker was lost."""

    def epoch(self, job: Job, end: EpochEnd) -> None:
        """A run finished an epoch."""

    def note(self, text: str) -> None:
        """Something that a person should know, such as a damaged checkpoint or a lost worker."""

    def ended(self, job: Job, result: Result) -> None:
        """A run ended, in whatever way; its result is stored."""

    def close(self) -> None:
        """The sweep is over, also where it was broken off: write out what is held."""


class Broadcast(Watcher):
    """Tell several watchers, in order.

    One that raises an error, say because its server cannot be reached, is closed and told no more, and the others are
    told why: hours of training do not end for it. The error of the last one that is left is raised.
    """

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self.watchers = list(watchers)

    def reused(self, job: Job, result: Result, difference: str | None) -> None:
        """Tell each."""
        self._tell(lambda watcher: watcher.reused(job, result, difference))

    def begun(self, job: Job) -> None:
        """Tell each."""
        self._tell(lambda watcher: watcher.begun(job))

    def epoch(self, job: Job, end: EpochEnd) -> None:
        """Tell each."""
        self._tell(lambda watcher: watcher.epoch(job, end))

    def note(self, text: str) -> None:
        """Tell each."""
        self._tell(lambda watcher: watcher.note(text))

    def ended(self, job: Job, result: Result) -> None:
        """Tell each."""
        self._tell(lambda watcher: watcher.ended(job, result))

    def close(self) -> None:
        """Close each, the last one first."""
        while self.watchers:
            self._close(self.watchers.pop())

    def _tell(self, say: Callable[[Watcher], None]) -> None:
        for watcher in list(self.watchers):
            try:
                say(watcher)
            except Exception as error:
                self.watchers.remove(watcher)
                self._drop(watcher, error)
                self._close(watcher)

    def _close(self, watcher: Watcher) -> None:
        try:
            watcher.close()
        except Exception as error:
            self._drop(watcher, error)

    def _drop(self, watcher: Watcher, error: Exception) -> None:
        if not self.watchers:
            raise error
        self.note(f"{type(watcher).__name__} is told no more, after its own {type(error).__name__}: {error}")
