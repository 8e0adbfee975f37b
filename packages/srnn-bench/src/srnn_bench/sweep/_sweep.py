"""Many runs: what the store lacks is claimed, made by an executor, and written; only this process writes the store."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence

from ..experiment import Conditions, EpochEnd, Job, RunOutput, difference_between
from ..store import Session, Store
from ..training import CheckpointPolicy, describe
from ._executor import Executor, InProcess
from ._grouping import Stack, stacks
from ._processes import Processes
from ._watcher import Watcher
from ._work import Work

USUAL = Conditions()

POLL = 0.2  # seconds between two looks at what the executor and other processes do


def sweep(
    jobs: Iterable[Job],
    store: Store,
    *,
    workers: int = 1,
    conditions: Conditions = USUAL,
    refresh: bool = False,
    stack: Stack = "auto",
    keep_weights: bool = False,
    checkpoint_every: float = 60.0,
    executor: Executor | None = None,
    watcher: Watcher,
) -> None:
    """Make every run that the store does not hold; with `refresh` also those that were made in another way.

    Made in another way: by other package versions or another torch, on another device, at another precision or number
    of threads.

    Runs that failed before are tried again. An error inside one run is stored as a failed result, stops nothing else,
    and takes the place of no earlier result that did not fail. Whatever the number of workers, each run has the same
    number of threads, and so the same bits. Several sweeps may work on one store at once: each run is made by one.

    A run that was interrupted goes on from its last checkpoint, of which one is written every `checkpoint_every`
    seconds. `stack` says whether seeds of one experiment are trained as one batched computation; `auto` decides by
    size and device. With `keep_weights` the weights at the end of each stage are kept, and runs whose weights were not
    kept before are made again. `executor` makes the runs; by default this process, or `workers` worker processes.

    Raises DiskError when the disk is full; what was finished before is in the store.
    """
    device = (executor or InProcess()).device(conditions.device)
    wanted: dict[str, Job] = {}
    for job in jobs:
        wanted.setdefault(job.key, job)
    policy = CheckpointPolicy(store.folder / "checkpoints", checkpoint_every, keep_weights)

    def has(job: Job) -> bool:
        held = store.get(job.key)
        now = describe(job.experiment.task.kind, conditions, device=device)
        difference = None if held is None else difference_between(held.environment, now)
        if held is None or held.status == "failed" or (refresh and difference):
            return False
        if keep_weights and not store.has_weights(held):
            return False
        watcher.reused(job, held, difference)
        return True

    with Session(store) as session:
        todo = deque[tuple[Job, ...]]()
        for unit in stacks(list(wanted.values()), device, stack):
            missing = tuple(job for job in unit if not has(job))
            if missing:
                todo.append(missing)
            else:
                policy.remove([job.key for job in unit])  # a death between result and removal left it
        most = min(workers, sum(map(len, todo)))  # stacks may fall apart into single runs
        maker = executor or (InProcess() if most < 2 else Processes(most))
        try:
            _Sweep(session, maker, conditions, policy, watcher).make(todo)
            if session.idle():
                policy.remove_all()
        finally:
            maker.close()


class _Sweep:
    """A sweep under way."""

    def __init__(
        self, session: Session, executor: Executor, conditions: Conditions, policy: CheckpointPolicy, watcher: Watcher
    ) -> None:
        self.session, self.store, self.executor = session, session.store, executor
        self.conditions, self.policy, self.watcher = conditions, policy, watcher
        self.jobs: dict[str, Job] = {}  # those under way, by key
        self.again: deque[Work] = deque()  # what was claimed, but must be made singly
        self.elsewhere: list[tuple[Job, ...]] = []  # being made by another process
        self.next_look = 0.0

    def make(self, todo: deque[tuple[Job, ...]]) -> None:
        """Make all runs, those of one element together."""
        self.session.plan(job for unit in todo for job in unit)
        while todo or self.again or self.jobs or self.elsewhere:
            while self.executor.free() and (todo or self.again):
                self._begin(todo)
            if self.jobs:
                for work, made in self.executor.ended(self, POLL):
                    self._end(work, made)
            elif self.elsewhere:
                time.sleep(POLL)
            self._look_elsewhere(self.executor.free())

    def _begin(self, todo: deque[tuple[Job, ...]]) -> None:
        if self.again:
            self._submit(self.again.popleft())
            return
        unit = todo.popleft()
        mine = self.session.claim(unit)
        self._wait_for(job for job in unit if job not in mine)
        if mine:
            self._submit(Work(tuple(mine), self.conditions, self.policy))

    def _submit(self, work: Work) -> None:
        self.executor.submit(work)
        for job in work.jobs:
            self.jobs[job.key] = job
            self.watcher.begun(job)

    def _end(self, work: Work, made: Sequence[RunOutput]) -> None:
        for job in work.jobs:
            del self.jobs[job.key]
        if len(work.jobs) > 1 and any(each.result.status == "failed" for each in made):
            self.note(f"{work.jobs[0].label} and {len(made) - 1} more: not stacked, since {made[0].result.reason}")
            self.policy.remove([job.key for job in work.jobs])
            self.again += work.singly
            return
        kept = self.session.finish(zip(work.jobs, made, strict=True))
        if all(kept):  # else another goes on from them
            self.policy.remove([job.key for job in work.jobs])
        self._wait_for(job for job, ours in zip(work.jobs, kept, strict=True) if not ours)
        for job, each, ours in zip(work.jobs, made, kept, strict=True):
            if ours:
                self.watcher.ended(job, each.result)

    def _look_elsewhere(self, free: int) -> None:
        """Take over what other processes have ended, and take up what they have left."""
        if not self.elsewhere or time.monotonic() < self.next_look:
            return
        self.next_look = time.monotonic() + 5 * POLL
        ended, left = self.session.look()
        units, self.elsewhere = self.elsewhere, []
        for unit in units:
            rest = []
            for job in unit:
                result = self.store.get(job.key) if job.key in ended else None
                if result is None:
                    rest.append(job)
                else:
                    self.watcher.reused(job, result, None)
            # together, as another process had begun them: so they go on from their common checkpoint
            mine = self.session.claim(job for job in rest if job.key in left) if free and left else []
            if mine:
                self._submit(Work(tuple(mine), self.conditions, self.policy))
                free -= 1
            self._wait_for(job for job in rest if job not in mine)
            if not rest:
                self.policy.remove([job.key for job in unit])

    def _wait_for(self, jobs: Iterable[Job]) -> None:
        """Leave runs to another process, that makes them."""
        unit = tuple(jobs)
        if unit:
            self.elsewhere.append(unit)

    def epoch(self, key: str, end: EpochEnd) -> None:
        """Tell that a run finished an epoch."""
        self.watcher.epoch(self.jobs[key], end)

    def note(self, text: str) -> None:
        """Tell what a person should know."""
        self.watcher.note(text)
