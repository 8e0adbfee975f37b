"""Watchers follow a sweep: the display in the terminal, and trackers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..experiment import EpochEnd, Job, Result


class Watcher:
    """Base class of the watchers of a sweep; every method does nothing.

    All methods are called in the process that writes the store, by one thread.
    """

    def reused(self, job: Job, result: Result, difference: str | None) -> None:
        """A result was in the store already. `difference` says what would differ if it were produced now."""

    def begun(self, job: Job) -> None:
        """A run begins, resumes from a checkpoint, or starts over because its worker was lost."""

    def epoch(self, job: Job, end: EpochEnd) -> None:
        """A run finished an epoch."""

    def note(self, text: str) -> None:
        """A message for the user, e.g. about a damaged checkpoint or a lost worker."""

    def ended(self, job: Job, result: Result) -> None:
        """A run ended, in whatever way; its result is stored."""

    def close(self) -> None:
        """The sweep is over, or was interrupted: write out what is buffered."""


class Broadcast(Watcher):
    """Pass every event on to several watchers, in order.

    A watcher that raises (e.g. its server is unreachable) is closed and dropped, and the others get a note: a broken
    tracker never stops a sweep. The error of the last remaining watcher is raised.
    """

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self.watchers = list(watchers)

    def reused(self, job: Job, result: Result, difference: str | None) -> None:
        """Pass the event on."""
        self._pass_on(lambda watcher: watcher.reused(job, result, difference))

    def begun(self, job: Job) -> None:
        """Pass the event on."""
        self._pass_on(lambda watcher: watcher.begun(job))

    def epoch(self, job: Job, end: EpochEnd) -> None:
        """Pass the event on."""
        self._pass_on(lambda watcher: watcher.epoch(job, end))

    def note(self, text: str) -> None:
        """Pass the message on."""
        self._pass_on(lambda watcher: watcher.note(text))

    def ended(self, job: Job, result: Result) -> None:
        """Pass the event on."""
        self._pass_on(lambda watcher: watcher.ended(job, result))

    def close(self) -> None:
        """Close each watcher, the last one first."""
        while self.watchers:
            self._close(self.watchers.pop())

    def _pass_on(self, event: Callable[[Watcher], None]) -> None:
        for watcher in list(self.watchers):
            try:
                event(watcher)
            except Exception as error:
                self.watchers.remove(watcher)
                self._report(watcher, error)
                self._close(watcher)

    def _close(self, watcher: Watcher) -> None:
        try:
            watcher.close()
        except Exception as error:
            self._report(watcher, error)

    def _report(self, watcher: Watcher, error: Exception) -> None:
        if not self.watchers:
            raise error
        self.note(f"{type(watcher).__name__} was dropped after it raised {type(error).__name__}: {error}")
