"""A process at work on a store: which runs are its own, and that it lives."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

from .._files import process_exists
from ..experiment import Job, RunOutput
from ._database import at_once, connected
from ._store import Store, check_seed, clean, write

LEASE = 20.0  # seconds without a heartbeat after which the owner of a run counts as dead

PLAN = """
INSERT INTO runs (key, label, experiment, seed, status) VALUES (:key, :label, :experiment, :seed, 'pending')
ON CONFLICT (key) DO NOTHING
"""

# What is made again stays as it was until its new result is there.
CLAIM = """
UPDATE runs SET owner = :owner, heartbeat = :now, started = :now,
    checksum = CASE WHEN status IN ('done', 'diverged') THEN checksum END,
    status = CASE WHEN status IN ('done', 'diverged') THEN status ELSE 'running' END
WHERE key = :key
"""

LEAVE = """
UPDATE runs SET owner = NULL, heartbeat = NULL,
    status = CASE WHEN status = 'running' THEN 'pending' ELSE status END
WHERE owner = :owner
"""

CLAIMS = "SELECT key, status, owner, heartbeat, ended FROM runs"

ENDED = ("done", "diverged", "failed")


class Session:
    """A process at work on a store: it claims runs, shows that it lives, and writes their results.

    Use it in a `with` block. A run belongs to one session at a time. A session that ends gives back the runs it has
    not finished; those of one that died are taken up by another, at once where its process is seen to be gone, else
    when there was no heartbeat for `lease` seconds.
    """

    def __init__(self, store: Store, *, lease: float = LEASE) -> None:
        self.store, self.lease = store, lease
        self.owner = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex}"
        self._over = threading.Event()

    def __enter__(self) -> Session:
        # One connection stays open: where the last one closes, SQLite moves its log into the file, which takes long.
        self._held = ExitStack()
        connection = self._held.enter_context(connected(self.store.path))
        with at_once(connection):  # what other sessions end before this time can be read after it
            self.begun = time.time()
        self._beating = threading.Thread(target=self._beat, daemon=True)
        self._beating.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        self._beating.join()
        try:
            with self._held, connected(self.store.path) as connection:
                connection.execute(LEAVE, {"owner": self.owner})
        except ValueError:  # they are given back when the lease runs out; what broke the session off is told first
            if kind is None:
                raise

    def plan(self, jobs: Iterable[Job]) -> None:
        """Write down runs that are wanted, as pending where the store does not know them."""
        rows = [_plan_row(job) for job in jobs]
        with connected(self.store.path) as connection, at_once(connection):
            connection.executemany(PLAN, rows)

    def claim(self, jobs: Iterable[Job]) -> list[Job]:
        """Take those of the runs that nobody alive is making and that have not ended since this session began."""
        mine = []
        with connected(self.store.path) as connection, at_once(connection):
            now = time.time()  # not before: it may have taken long to be the only one who writes
            for job in jobs:
                connection.execute(PLAN, _plan_row(job))
                held = connection.execute(f"{CLAIMS} WHERE key = ?", (job.key,)).fetchone()
                if not self._ended(held) and not self._taken(held, now):
                    connection.execute(CLAIM, {"key": job.key, "owner": self.owner, "now": now})
                    mine.append(job)
        return mine

    def look(self) -> tuple[set[str], set[str]]:
        """Return the keys of the runs that ended since this session began, and of those that nobody is making."""
        with connected(self.store.path) as connection:
            rows = connection.execute(CLAIMS).fetchall()
        now = time.time()
        free = [row for row in rows if not self._taken(row, now)]
        ended = {row["key"] for row in free if self._ended(row)}
        return ended, {row["key"] for row in free} - ended

    def idle(self) -> bool:
        """Say whether every run of the store has ended, and none is being made again."""
        with connected(self.store.path) as connection:
            query = "SELECT 1 FROM runs WHERE owner IS NOT NULL OR status IN ('pending', 'running') LIMIT 1"
            return connection.execute(query).fetchone() is None

    def finish(self, made: Iterable[tuple[Job, RunOutput]]) -> list[bool]:
        """Write results and weights of runs that were claimed, all or none; say of each whether it was still ours.

        It is not where this process was taken for dead, say because the machine slept, and another took the run up:
        then the other's result counts, and nothing is written.
        """
        kept = []
        with ExitStack() as held:
            places = [
                (job, each.result, held.enter_context(self.store.beside(job.key, each.weights))) for job, each in made
            ]
            connection = held.enter_context(connected(self.store.path))
            with at_once(connection):
                for job, result, place in places:
                    row = connection.execute("SELECT owner FROM runs WHERE key = ?", (job.key,)).fetchone()
                    kept.append(row is not None and row["owner"] == self.owner)
                    if kept[-1]:
                        write(connection, result, job.label, place)
                        connection.execute(LEAVE + " AND key = :key", {"owner": self.owner, "key": job.key})
        return kept

    def _ended(self, row: sqlite3.Row) -> bool:
        """Say whether a run has ended since this session began."""
        return row["status"] in ENDED and isinstance(row["ended"], float) and row["ended"] >= self.begun

    def _taken(self, row: sqlite3.Row, now: float) -> bool:
        """Say whether somebody alive is making a run."""
        owner, heartbeat = row["owner"], row["heartbeat"]
        # a heartbeat to come is none: the clock was set back, or the row is damaged
        if not isinstance(owner, str) or not isinstance(heartbeat, float) or abs(now - heartbeat) > self.lease:
            return False
        host, _, rest = owner.rpartition("/")[0].rpartition("/")
        return host != socket.gethostname() or not rest.isdecimal() or process_exists(int(rest))

    def _beat(self) -> None:
        """Write the time at the runs of this session, again and again until it is over."""
        while not self._over.wait(self.lease / 5):
            try:
                with connected(self.store.path) as connection:
                    connection.execute("UPDATE runs SET heartbeat = ? WHERE owner = ?", (time.time(), self.owner))
            except ValueError:  # a full disk or a locked file: the session itself will say so when it writes
                continue


def _plan_row(job: Job) -> dict[str, Any]:
    return {
        "key": job.key,
        "label": clean(job.label),
        "experiment": job.experiment.model_dump_json(),
        "seed": check_seed(job.seed),
    }
