"""Sweeps: claim the runs that a store lacks, have them executed, and write their results."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from .._errors import BenchError
from ..experiment import Conditions, EpochEnd, Job, Result, RunOutput, difference_between
from ..store import Session, Store
from ..training import CheckpointPolicy, describe
from ._executor import Executor, InProcess
from ._grouping import Stack, stacks
from ._processes import Processes
from ._watcher import Watcher
from ._work import Work

DEFAULT_CONDITIONS = Conditions()
POLL = 0.2  # seconds between two looks at the executor and at other processes


def sweep(
    jobs: Iterable[Job],
    store: Store,
    *,
    workers: int = 1,
    conditions: Conditions = DEFAULT_CONDITIONS,
    refresh: bool = False,
    stack: Stack = "auto",
    keep_weights: bool = False,
    checkpoint_every: float = 60.0,
    executor: Executor | None = None,
    watcher: Watcher,
) -> None:
    """Execute every run that the store does not hold, and write its result.

    Runs that failed before are tried again. An error inside one run is stored as a failed result; it stops nothing
    else and replaces no earlier result that did not fail. Each run has the same number of threads, and so the same
    bits, for any number of workers. Several sweeps may work on one store at once: each run is executed by one of them.
    An interrupted run resumes from its last checkpoint. Only this process writes the store.

    Args:
        jobs: Runs; of several with one key the first counts.
        store: Where results are looked up and written.
        workers: Number of worker processes, if `executor` is None; a single worker is this process.
        conditions: Device, precision, threads and engine of each run.
        refresh: Re-run results produced by other package versions or another torch, or on another device, precision,
            number of threads or engine.
        stack: Whether seeds of one experiment are trained as one batched computation; `auto` decides by size and
            device. With another engine than `loop` they never are, and `always` is an error.
        keep_weights: Keep the weights at the end of each stage, and re-run results without weights.
        checkpoint_every: Seconds between two checkpoints of a run.
        executor: Where the runs are executed, if not on this machine.
        watcher: Follows the sweep.

    Raises:
        DiskError: If the disk is full. Results written before are intact.
    """
    device = (executor or InProcess()).device(conditions.device)
    wanted: dict[str, Job] = {}
    for job in jobs:
        wanted.setdefault(job.key, job)
    policy = CheckpointPolicy(store.folder / "checkpoints", checkpoint_every, keep_weights)
    stored = _Stored(store, conditions, device, refresh=refresh, with_weights=keep_weights)
    with Session(store, watcher.note) as session:
        units = deque[tuple[Job, ...]]()
        for unit in stacks(list(wanted.values()), device, _stackable(stack, conditions)):
            missing = stored.missing(unit, watcher)
            if missing:
                units.append(missing)
            else:
                policy.remove([job.key for job in unit])  # left by a process that died after writing the result
        limit = min(workers, sum(map(len, units)))  # a stack may be split into single runs
        used = executor or (InProcess() if limit < 2 else Processes(limit))
        try:
            _Sweep(session, used, conditions, policy, watcher).execute(units)
            if session.idle():
                policy.remove_all()
        finally:
            used.close()


def _stackable(stack: Stack, conditions: Conditions) -> Stack:
    """Return how runs may be stacked: an engine other than the loop has no vmap rule.

    Raises `BenchError` for `always` with such an engine.
    """
    if conditions.engine == "loop":
        return stack
    if stack == "always":
        raise BenchError(f"stack: expected auto or never with the engine {conditions.engine!r}, got 'always'")
    return "never"


@dataclass(frozen=True)
class _Stored:
    """The results of a store that can be reused under these conditions."""

    store: Store
    conditions: Conditions
    device: torch.device
    refresh: bool
    with_weights: bool

    def missing(self, unit: Sequence[Job], watcher: Watcher) -> tuple[Job, ...]:
        """Return the runs of a unit that are to be executed; the watcher is notified of those that are reused."""
        missing = []
        for job in unit:
            result = self.store.get(job.key)
            if result is None or not self._reusable(result):
                missing.append(job)
            else:
                watcher.reused(job, result, self._difference(result))
        return tuple(missing)

    def _reusable(self, result: Result) -> bool:
        if result.status == "failed" or (self.refresh and self._difference(result)):
            return False
        return not self.with_weights or self.store.has_weights(result)

    def _difference(self, result: Result) -> str | None:
        """Return how the result's conditions differ from those of a run executed now."""
        now = describe(result.experiment.task.kind, self.conditions, device=self.device)
        return difference_between(result.environment, now)


class _Sweep:
    """A sweep in progress; it receives the events of the runs.

    Its attributes are its five collaborators (session, executor, conditions, policy, watcher) and the four collections
    of runs that are running here, to be repeated singly, or running elsewhere, with the time of the next look there.
    """

    def __init__(
        self, session: Session, executor: Executor, conditions: Conditions, policy: CheckpointPolicy, watcher: Watcher
    ) -> None:
        self.session, self.executor, self.watcher = session, executor, watcher
        self.conditions, self.policy = conditions, policy
        self.jobs: dict[str, Job] = {}  # running here, by key
        self.singly: deque[Work] = deque()  # claimed, to be repeated one run at a time
        self.elsewhere: list[tuple[Job, ...]] = []  # executed by another process
        self.next_look = 0.0

    def execute(self, units: deque[tuple[Job, ...]]) -> None:
        """Execute all runs, those of one unit together."""
        self.session.plan(job for unit in units for job in unit)
        while units or self.singly or self.jobs or self.elsewhere:
            while self.executor.free() and (units or self.singly):
                self._begin(units)
            if self.jobs:
                for work, outputs in self.executor.ended(self, POLL):
                    self._end(work, outputs)
            elif self.elsewhere:
                time.sleep(POLL)
            self._look_elsewhere(self.executor.free())

    def epoch(self, key: str, end: EpochEnd) -> None:
        """Pass the event on to the watcher."""
        self.watcher.epoch(self.jobs[key], end)

    def note(self, text: str) -> None:
        """Pass the message on to the watcher."""
        self.watcher.note(text)

    def _begin(self, units: deque[tuple[Job, ...]]) -> None:
        if self.singly:
            self._submit(self.singly.popleft())
            return
        unit = units.popleft()
        claimed = self.session.claim(unit)
        self._wait_for(job for job in unit if job not in claimed)
        if claimed:
            self._submit(Work(tuple(claimed), self.conditions, self.policy))

    def _submit(self, work: Work) -> None:
        self.executor.submit(work)
        for job in work.jobs:
            self.jobs[job.key] = job
            self.watcher.begun(job)

    def _end(self, work: Work, outputs: Sequence[RunOutput]) -> None:
        keys = [job.key for job in work.jobs]
        for key in keys:
            del self.jobs[key]
        if len(work.jobs) > 1 and any(output.result.status == "failed" for output in outputs):
            reason = outputs[0].result.reason
            self.note(
                f"{work.jobs[0].label} and {len(outputs) - 1} more: run one by one, not stacked, because {reason}"
            )
            self.policy.remove(keys)
            self.singly += work.singly
            return
        written = self.session.finish(zip(work.jobs, outputs, strict=True))
        if all(written):  # otherwise another process resumes from them
            self.policy.remove(keys)
        self._wait_for(job for job, ours in zip(work.jobs, written, strict=True) if not ours)
        for job, output, ours in zip(work.jobs, outputs, written, strict=True):
            if ours:
                self.watcher.ended(job, output.result)

    def _look_elsewhere(self, free: int) -> None:
        """Collect results finished by other processes, and claim the runs they abandoned."""
        if not self.elsewhere or time.monotonic() < self.next_look:
            return
        self.next_look = time.monotonic() + 5 * POLL
        ended, abandoned = self.session.look()
        units, self.elsewhere = self.elsewhere, []
        for unit in units:
            unfinished = []
            for job in unit:
                result = self.session.store.get(job.key) if job.key in ended else None
                if result is None:
                    unfinished.append(job)
                else:
                    self.watcher.reused(job, result, None)
            # together, as the other process started them: so they resume from their common checkpoint
            todo = [job for job in unfinished if job.key in abandoned]
            claimed = self.session.claim(todo) if free and abandoned else []
            if claimed:
                self._submit(Work(tuple(claimed), self.conditions, self.policy))
                free -= 1
            self._wait_for(job for job in unfinished if job not in claimed)
            if not unfinished:
                self.policy.remove([job.key for job in unit])

    def _wait_for(self, jobs: Iterable[Job]) -> None:
        """Leave runs to the other process that executes them."""
        unit = tuple(jobs)
        if unit:
            self.elsewhere.append(unit)
