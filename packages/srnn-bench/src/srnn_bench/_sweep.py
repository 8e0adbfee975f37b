"""Many runs, several at once; one process writes the store."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Protocol

from ._environment import check_conditions, describe, difference_between, resolve_device
from ._experiment import Experiment
from ._result import Result
from ._run import explain, run
from ._store import Store


@dataclass(frozen=True)
class Job:
    """A run that is wanted: an experiment, a seed, and a label for people."""

    experiment: Experiment
    seed: int
    label: str

    @property
    def key(self) -> str:
        """The key of the run in the store."""
        return self.experiment.key(self.seed)


@dataclass(frozen=True)
class Conditions:
    """How runs are made; none of it is part of a run's key."""

    device: str = "auto"
    precision: str = "float32"
    threads: int = 1

    @property
    def on_gpu(self) -> bool:
        """Whether the runs are made on a GPU."""
        return resolve_device(self.device).type == "cuda"


class Watcher(Protocol):
    """What wants to know how a sweep goes."""

    def reused(self, job: Job, result: Result, difference: str | None) -> None:
        """A result was in the store already; `difference` says what would be other if it were made now."""

    def epoch(self, job: Job, stage: str, epoch: int, epochs: int) -> None:
        """A run finished an epoch."""

    def ended(self, job: Job, result: Result) -> None:
        """A run ended, in whatever way; its result is stored."""


def sweep(
    jobs: Iterable[Job],
    store: Store,
    *,
    workers: int = 1,
    conditions: Conditions = Conditions(),
    refresh: bool = False,
    watcher: Watcher,
) -> None:
    """Make every run that the store does not hold; with `refresh` also those that were made in another way.

    Made in another way: by other package versions, on another device, at another precision or number of threads.

    Runs that failed before are tried again. An error inside one run is stored as a failed result, stops nothing else,
    and takes the place of no earlier result that did not fail. Whatever the number of workers, each run has the same
    number of threads, and so the same bits.
    """
    device = resolve_device(conditions.device)
    check_conditions(conditions.precision, conditions.threads)
    wanted: dict[str, Job] = {}
    for job in jobs:
        wanted.setdefault(job.key, job)
    todo = []
    for job in wanted.values():
        held = store.get(job.key)
        now = describe(job.experiment.task.kind, device, conditions.precision, conditions.threads)
        if held is None or held.status == "failed":
            todo.append(job)
            continue
        difference = difference_between(held.environment, now)
        if refresh and difference:
            todo.append(job)
        else:
            watcher.reused(job, held, difference)
    results = _one_by_one if workers == 1 or len(todo) < 2 else _in_processes
    for job, result in results(todo, conditions, min(workers, len(todo)), watcher):
        store.put(result)
        watcher.ended(job, result)


def _one_by_one(
    jobs: Sequence[Job], conditions: Conditions, workers: int, watcher: Watcher
) -> Iterator[tuple[Job, Result]]:
    for job in jobs:
        yield job, attempt(job, conditions, lambda *step, job=job: watcher.epoch(job, *step))


def _in_processes(
    jobs: Sequence[Job], conditions: Conditions, workers: int, watcher: Watcher
) -> Iterator[tuple[Job, Result]]:
    """Make the runs in worker processes; when one is lost, those under way are made again, each alone."""
    left = {job.key: job for job in jobs}
    while left:
        begun: set[str] = set()
        for job, result in _in_one_pool(list(left.values()), conditions, workers, watcher, begun):
            del left[job.key]
            yield job, result
        suspects = [left.pop(key) for key in begun & left.keys()]  # only a lost worker leaves any
        if left and not suspects:
            raise ValueError("worker processes end before they begin a run; does it work with one job?")
        for job in suspects:
            made = list(_in_one_pool([job], conditions, 1, watcher, set()))
            lost = BrokenProcessPool("the worker process was lost during this run; was the memory too small?")
            yield made[0] if made else (job, failure(job, conditions, lost, 0.0))


def _in_one_pool(
    jobs: Sequence[Job], conditions: Conditions, workers: int, watcher: Watcher, begun: set[str]
) -> Iterator[tuple[Job, Result]]:
    """Make the runs until all are made or a worker is lost; `begun` is filled with the keys of those that began."""
    # spawn, not fork: torch's threads and CUDA do not survive a fork
    context = multiprocessing.get_context("spawn")
    messages = context.SimpleQueue()  # it writes at once, so what a worker said before it was lost is heard
    by_key = {job.key: job for job in jobs}
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, context, initializer=_begin_worker, initargs=(messages,))

    def hear() -> None:
        while not messages.empty():
            key, *step = messages.get()
            begun.add(key)
            if step:
                watcher.epoch(by_key[key], *step)

    try:
        waiting: dict[Future[Result], Job] = {pool.submit(_work, job, conditions): job for job in jobs}
        while waiting:
            done, _ = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
            hear()
            for future in done:
                job = waiting.pop(future)
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    hear()
                    return
                yield job, future.result() if error is None else failure(job, conditions, error, 0.0)
    except BaseException:  # an interrupt ends the runs under way too
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


_messages: Any = None


def _begin_worker(messages: Any) -> None:
    """Keep, in a worker, the queue to the process that started it, and end when that process does."""
    global _messages
    _messages = messages
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _work(job: Job, conditions: Conditions) -> Result:
    _messages.put((job.key,))
    return attempt(job, conditions, lambda *step: _messages.put((job.key, *step)))


def attempt(job: Job, conditions: Conditions, progress: Any) -> Result:
    """Make a run; an error becomes a failed result."""
    begin = time.perf_counter()
    try:
        return run(
            job.experiment,
            seed=job.seed,
            device=conditions.device,
            precision=conditions.precision,
            threads=conditions.threads,
            progress=progress,
        )
    except Exception as error:
        return failure(job, conditions, error, time.perf_counter() - begin)


def failure(job: Job, conditions: Conditions, error: BaseException, seconds: float) -> Result:
    """Return the failed result of a run that ended with this error."""
    return Result(
        key=job.key,
        experiment=job.experiment,
        seed=job.seed,
        status="failed",
        reason=explain(error),
        environment=describe(
            job.experiment.task.kind, resolve_device(conditions.device), conditions.precision, conditions.threads
        ),
        seconds=seconds,
    )
