"""An executor that makes runs in worker processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Any

import torch

from ..experiment import EpochEnd, RunOutput
from ..training import resolve_device
from ._executor import Ended
from ._work import RunEvents, Work, failures, make


class Processes:
    """Makes runs in worker processes of this machine, each a pool of its own, so that a lost one harms no other.

    A piece of work whose worker is lost, say because the memory was too small, is begun once more, and goes on from
    its last checkpoint; when that worker is lost too, it has failed.
    """

    def __init__(self, workers: int) -> None:
        self.workers = [_Worker() for _ in range(workers)]

    def device(self, name: str) -> torch.device:
        """Return the device of this machine."""
        return resolve_device(name)

    def free(self) -> int:
        """Return the number of workers without work."""
        return sum(worker.work is None for worker in self.workers)

    def submit(self, work: Work) -> None:
        """Give the work to a worker that has none."""
        next(worker for worker in self.workers if worker.work is None).begin(work)

    def ended(self, events: RunEvents, timeout: float) -> list[Ended]:
        """Wait for a worker to end, telling what the workers say."""
        busy = {worker.future: worker for worker in self.workers if worker.future is not None}
        done, _ = wait(busy, timeout=timeout, return_when=FIRST_COMPLETED)
        for worker in self.workers:
            worker.hear(events)
        ends = [busy[future].end(events) for future in done]
        return [end for end in ends if end is not None]

    def close(self) -> None:
        """End the workers, with what they have under way."""
        for worker in self.workers:
            worker.close()


@dataclass
class _Worker:
    """One process, begun with its first work and again after it was lost."""

    pool: ProcessPoolExecutor | None = None
    messages: Any = None
    work: Work | None = None
    future: Future[list[RunOutput]] | None = None
    lost: int = 0
    processes: list[Any] = field(default_factory=list)

    def begin(self, work: Work) -> None:
        self.work, self.lost = work, 0
        self._submit()

    def _submit(self) -> None:
        assert self.work is not None
        if self.pool is None:
            # spawn, not fork: torch's threads and CUDA do not survive a fork
            context = multiprocessing.get_context("spawn")
            self.messages = context.SimpleQueue()  # it writes at once: what was said before a loss is heard
            self.pool = ProcessPoolExecutor(1, context, initializer=_begin, initargs=(self.messages,))
        others = set(multiprocessing.active_children())
        self.future = self.pool.submit(_make, self.work)
        self.processes += set(multiprocessing.active_children()) - others

    def hear(self, events: RunEvents) -> None:
        while self.messages is not None and not self.messages.empty():
            kind, *said = self.messages.get()
            (events.note if kind == "note" else events.epoch)(*said)

    def end(self, events: RunEvents) -> Ended | None:
        """Return the work and what it made, or None where it was begun once more."""
        assert self.work is not None and self.future is not None
        work, error = self.work, self.future.exception()
        if isinstance(error, BrokenProcessPool):
            self.close()
            self.lost += 1
            if self.lost == 1:
                events.note(f"{work.jobs[0].label}: the worker process was lost; begun once more")
                self._submit()
                return None
            error = BrokenProcessPool("the worker process was lost during this run, twice; was the memory too small?")
        elif error is not None:
            raise error
        made = failures(work, error) if error is not None else self.future.result()
        self.work = self.future = None
        return work, made

    def close(self) -> None:
        if self.pool is not None:
            for process in self.processes:
                process.terminate()
            self.pool.shutdown(cancel_futures=True)
            self.pool, self.messages, self.processes = None, None, []


_messages: Any = None


def _begin(messages: Any) -> None:
    """Keep, in a worker, the queue to the process that started it, and end when that process does."""
    global _messages
    _messages = messages
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hevents it too, and ends its workers
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


class _Messages:
    """Sends the events of runs in a worker to the parent process."""

    def epoch(self, key: str, end: EpochEnd) -> None:
        _messages.put(("epoch", key, end))

    def note(self, text: str) -> None:
        _messages.put(("note", text))


def _make(work: Work) -> list[RunOutput]:
    return make(work, _Messages())
