"""Leases: which runs this process has claimed, and the heartbeat that keeps them."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from .._errors import BenchError
from .._files import process_exists
from ..experiment import Job, RunOutput
from ._database import Notify, transaction
from ._record import Record
from ._rows import pending_row
from ._store import Store, write

PLAN = """
INSERT INTO runs (key, label, experiment, seed, status) VALUES (:key, :label, :experiment, :seed, 'pending')
ON CONFLICT (key) DO NOTHING
"""
# A run that is executed again keeps its old result until the new one is written.
CLAIM = """
UPDATE runs SET owner = :owner, heartbeat = :now, started = :now,
    checksum = CASE WHEN status IN ('done', 'diverged') THEN checksum END,
    status = CASE WHEN status IN ('done', 'diverged') THEN status ELSE 'running' END
WHERE key = :key
"""
RELEASE = """
UPDATE runs SET owner = NULL, heartbeat = NULL,
    status = CASE WHEN status = 'running' THEN 'pending' ELSE status END
WHERE owner = :owner
"""
LEASES = "SELECT key, status, owner, heartbeat, ended FROM runs"
ENDED = ("done", "diverged", "failed")


class Session:
    """A process that works on a store: it claims runs, renews its leases with a heartbeat, and writes results.

    Use it as a context manager. A run belongs to one session at a time. On exit a session releases the runs that it
    has not finished. The runs of a process that died are claimed by another session: at once if the process is on this
    machine and no longer exists, else after `store.lease` seconds without a heartbeat.

    `notify` receives a message if another program keeps the file locked; then the session waits. Without it, it fails
    after a minute.
    """

    def __init__(self, store: Store, notify: Notify | None = None) -> None:
        store.check_writable()
        self.store, self.lease, self.notify = store, store.lease, notify
        self.owner = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex}"
        self._over = threading.Event()

    def __enter__(self) -> Session:
        with self._writing():  # results that other sessions write before this time are visible after it
            self.begun = time.time()
        self._heart = threading.Thread(target=self._beat, daemon=True)
        self._heart.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        self._heart.join()
        try:
            with self._writing() as connection:
                connection.execute(RELEASE, {"owner": self.owner})
        except BenchError:  # the leases expire by themselves; the error that ended the session has precedence
            if kind is None:
                raise

    def plan(self, jobs: Iterable[Job]) -> None:
        """Add the runs that the store does not contain, as pending."""
        rows = [pending_row(job) for job in jobs]
        with self._writing() as connection:
            connection.executemany(PLAN, rows)

    def claim(self, jobs: Iterable[Job]) -> list[Job]:
        """Claim the runs that no live session executes and that have not ended since this session began."""
        claimed = []
        with self._writing() as connection:
            now = time.time()  # not before: acquiring the write lock may have taken long
            for job in jobs:
                connection.execute(PLAN, pending_row(job))
                row = connection.execute(f"{LEASES} WHERE key = ?", (job.key,)).fetchone()
                if not self._ended(row) and not self._leased(row, now):
                    connection.execute(CLAIM, {"key": job.key, "owner": self.owner, "now": now})
                    claimed.append(job)
        return claimed

    def look(self) -> tuple[set[str], set[str]]:
        """Return the keys of the runs that ended since this session began, and of other runs that no one executes."""
        with self.store.connected() as connection:
            rows = connection.execute(LEASES).fetchall()
        now = time.time()
        free = [row for row in rows if not self._leased(row, now)]
        ended = {row["key"] for row in free if self._ended(row)}
        return ended, {row["key"] for row in free} - ended

    def idle(self) -> bool:
        """Return whether every run of the store has ended and none is being executed again."""
        with self.store.connected() as connection:
            query = "SELECT 1 FROM runs WHERE owner IS NOT NULL OR status IN ('pending', 'running') LIMIT 1"
            return connection.execute(query).fetchone() is None

    def finish(self, outputs: Iterable[tuple[Job, RunOutput]]) -> list[bool]:
        """Write results and weights of claimed runs, all or none; return for each whether the lease was still held.

        When this returns, they are in the main file of the store, so that a copy of it has them.

        The lease is lost if this process was presumed dead, e.g. because the machine slept, and another session
        claimed the run. Then the other session's result counts, and nothing is written for this run.
        """
        written = []
        with ExitStack() as stack:
            staged = [
                (job, output.result, stack.enter_context(self.store.staged_weights(job.key, output.weights)))
                for job, output in outputs
            ]
            with self._writing() as connection:
                for job, result, move_weights in staged:
                    row = connection.execute("SELECT owner, started FROM runs WHERE key = ?", (job.key,)).fetchone()
                    written.append(row is not None and row["owner"] == self.owner)
                    if written[-1]:
                        write(connection, Record(result, job.label, row["started"]), move_weights)
                        connection.execute(RELEASE + " AND key = :key", {"owner": self.owner, "key": job.key})
        return written

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Open a connection and a transaction, which waits while another program keeps the file locked."""
        with self.store.connected() as connection, transaction(connection, self.notify):
            yield connection

    def _ended(self, row: sqlite3.Row) -> bool:
        """Return whether a run has ended since this session began."""
        return row["status"] in ENDED and isinstance(row["ended"], float) and row["ended"] >= self.begun

    def _leased(self, row: sqlite3.Row, now: float) -> bool:
        """Return whether a live session executes a run."""
        owner, heartbeat = row["owner"], row["heartbeat"]
        # a heartbeat in the future is invalid: the clock was set back, or the row is damaged
        if not isinstance(owner, str) or not isinstance(heartbeat, float) or abs(now - heartbeat) > self.lease:
            return False
        host, _, process = owner.rpartition("/")[0].rpartition("/")
        return host != socket.gethostname() or not process.isdecimal() or process_exists(int(process))

    def _beat(self) -> None:
        """Write the time to the runs of this session, again and again until it is over."""
        while not self._over.wait(self.lease / 5):
            try:
                with self.store.connected() as connection:
                    connection.execute("UPDATE runs SET heartbeat = ? WHERE owner = ?", (time.time(), self.owner))
            except BenchError:  # a full disk or a locked file: the session raises it when it writes
                continue
