"""An executor that runs worker processes on this machine."""

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
from ._work import RunEvents, Work, execute, failures


class Processes:
    """Executes runs in `workers` worker processes of this machine, each a pool of its own: losing one affects no other.

    If a worker is lost (e.g. out of memory), its work is started once more and resumes from its last checkpoint; if
    that worker is lost too, the work has failed.
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
        """Wait for a worker to end, and report the workers' messages."""
        busy = {worker.future: worker for worker in self.workers if worker.future is not None}
        done, _ = wait(busy, timeout=timeout, return_when=FIRST_COMPLETED)
        for worker in self.workers:
            worker.report(events)
        ends = [busy[future].end(events) for future in done]
        return [end for end in ends if end is not None]

    def close(self) -> None:
        """Stop the workers and what they execute."""
        for worker in self.workers:
            worker.close()


@dataclass
class _Worker:
    """One process, started with its first work and again after it was lost."""

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
            self.messages = context.SimpleQueue()  # writes at once: messages sent before a loss arrive
            self.pool = ProcessPoolExecutor(1, context, initializer=_initialize, initargs=(self.messages,))
        earlier = set(multiprocessing.active_children())
        self.future = self.pool.submit(_execute, self.work)
        self.processes += set(multiprocessing.active_children()) - earlier

    def report(self, events: RunEvents) -> None:
        while self.messages is not None and not self.messages.empty():
            kind, *content = self.messages.get()
            (events.note if kind == "note" else events.epoch)(*content)

    def end(self, events: RunEvents) -> Ended | None:
        """Return the work and its outputs, or None if it was started once more."""
        assert self.work is not None and self.future is not None
        work, error = self.work, self.future.exception()
        if isinstance(error, BrokenProcessPool):
            self.close()
            self.lost += 1
            if self.lost == 1:
                events.note(f"{work.jobs[0].label}: the worker process was lost; started once more")
                self._submit()
                return None
            error = BrokenProcessPool("the worker process was lost twice during this run; was the memory too small?")
        elif error is not None:
            raise error
        outputs = failures(work, error) if error is not None else self.future.result()
        self.work = self.future = None
        return work, outputs

    def close(self) -> None:
        if self.pool is not None:
            for process in self.processes:
                process.terminate()
            self.pool.shutdown(cancel_futures=True)
            self.pool, self.messages, self.processes = None, None, []


_messages: Any = None  # in a worker: the queue to the parent process


def _initialize(messages: Any) -> None:
    """In a worker, keep the queue to the parent process, and exit when the parent exits."""
    global _messages
    _messages = messages
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent receives it too, and stops its workers
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


def _execute(work: Work) -> list[RunOutput]:
    return execute(work, _Messages())
