"""The runs of a folder, a row each, in one SQLite file that must lie on a local disk; and who is making them."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sqlite3
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ._disk import DiskError, write_whole
from ._job import Job
from ._result import Result

VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    key TEXT PRIMARY KEY,
    label TEXT NOT NULL,
    experiment TEXT NOT NULL,
    seed INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'done', 'diverged', 'failed')),
    owner TEXT,
    heartbeat REAL,
    started REAL,
    ended REAL,
    seconds REAL,
    reason TEXT,
    stages TEXT,
    environment TEXT,
    checksum TEXT
) WITHOUT ROWID
"""
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
PUT = """
INSERT INTO runs (key, label, experiment, seed, status, ended, seconds, reason, stages, environment, checksum)
VALUES (:key, :label, :experiment, :seed, :status, :ended, :seconds, :reason, :stages, :environment, :checksum)
ON CONFLICT (key) DO UPDATE SET status = :status, ended = :ended, seconds = :seconds, reason = :reason,
    stages = :stages, environment = :environment, checksum = :checksum
WHERE :status != 'failed' OR runs.status NOT IN ('done', 'diverged')
"""
LEAVE = """
UPDATE runs SET owner = NULL, heartbeat = NULL,
    status = CASE WHEN status = 'running' THEN 'pending' ELSE status END
WHERE owner = :owner
"""
ENDED = ("done", "diverged", "failed")
PARTS = ("key", "seed", "status", "experiment", "seconds", "reason", "stages", "environment")


class Store:
    """Runs by key; a later result of a key takes the place of the earlier.

    But a failed one never takes the place of one that is done or diverged. `folder` is made when it is not there.
    A row holds plain text and numbers with a checksum; nothing is ever unpickled. Several processes may work on one
    store (`Session`). A folder or file that cannot be used, and a row that was damaged or changed by hand, is a
    ValueError that names it; a disk that is full is a DiskError, and leaves the store as it was.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.path = self.folder / "results.sqlite"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"results: expected a folder that can be made, got {folder}: {error.strerror}") from error
        with self._connected() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            with _at_once(connection):
                self._check_version(connection)
                connection.execute(SCHEMA)
                connection.execute(f"PRAGMA user_version={VERSION}")

    def put(self, result: Result, *, label: str = "") -> None:
        """Write a result; it is in the file when this returns, whatever happens to this process."""
        with self._connected() as connection, _at_once(connection):
            connection.execute(PUT, _row(result, label))

    def keep_weights(self, key: str, weights: dict[str, bytes]) -> None:
        """Write the weights at the end of each stage beside the file: `weights/<key>/<stage>.safetensors`."""
        for stage, data in weights.items():
            write_whole(self.folder / "weights" / key / f"{stage}.safetensors", data)

    def get(self, key: str) -> Result | None:
        """Return the result of that key, or None."""
        with self._connected() as connection:
            row = connection.execute(f"{READ} WHERE key = ?", (key,)).fetchone()
        return None if row is None else self._read(row)

    def __iter__(self) -> Iterator[Result]:
        """Give all results, in the order of their keys."""
        with self._connected() as connection:
            rows = connection.execute(f"{READ} ORDER BY key").fetchall()
        for row in rows:
            result = self._read(row)
            if result is not None:
                yield result

    def seeds(self) -> list[int]:
        """Return every seed that some run has, in order."""
        with self._connected() as connection:
            return [seed for (seed,) in connection.execute("SELECT DISTINCT seed FROM runs ORDER BY seed")]

    def statuses(self) -> Counter[str]:
        """Return how many runs are pending, running, done, diverged, failed."""
        with self._connected() as connection:
            return Counter(dict(connection.execute("SELECT status, count(*) FROM runs GROUP BY status").fetchall()))

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that commits each statement; its errors become ours."""
        try:
            with closing(sqlite3.connect(self.path, timeout=60, isolation_level=None)) as connection:
                # in WAL mode this outlives any death of a process; of the machine too, but for the last commits
                connection.execute("PRAGMA synchronous=NORMAL")
                connection.row_factory = sqlite3.Row
                yield connection
        except sqlite3.Error as error:
            if error.__class__ is sqlite3.OperationalError and "full" in str(error):
                raise DiskError(f"{self.path}: {error}; what was written before is intact") from error
            raise ValueError(f"{self.path}: {error}; is it a store of results on a local disk?") from error

    def _check_version(self, connection: sqlite3.Connection) -> None:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        tables = connection.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").fetchone()[0]
        if found != VERSION and (found or tables):
            raise ValueError(
                f"{self.path}: expected a store of version {VERSION}, got version {found}: made by another srnn-bench"
            )

    def _read(self, row: sqlite3.Row) -> Result | None:
        """Return the result of a row, None where there is none yet."""
        held = dict(row)
        if held["checksum"] is None and held["status"] in ("pending", "running"):
            return None
        where = f"{self.path}: run {held['key']}"
        try:
            if held["checksum"] != _checksum(held):
                raise ValueError("its checksum does not fit: the row was damaged or changed by hand")
            parts = {name: json.loads(held[name]) for name in ("experiment", "stages", "environment")}
            result = Result.model_validate({**{name: held[name] for name in PARTS}, **parts})
            if result.experiment.key(result.seed) != result.key:
                raise ValueError("its experiment and seed have another key")
        except ValidationError as error:
            raise ValueError(
                f"{where} cannot be read by the packages installed now (was its task's plug-in removed?): {error}"
            ) from error
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(f"{where} cannot be read: {error}") from error
        return result


READ = f"SELECT {', '.join((*PARTS, 'checksum'))} FROM runs"


class Session:
    """A process at work on a store: it claims runs, shows that it lives, and writes their results.

    Use it in a `with` block. A run belongs to one session at a time. A session that ends gives back the runs it has
    not finished; those of one that died are taken up by another, at once where its process is seen to be gone, else
    when there was no heartbeat for `lease` seconds.
    """

    def __init__(self, store: Store, *, lease: float = LEASE) -> None:
        self.store, self.lease = store, lease
        self.begun = time.time()
        self.owner = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex}"
        self._over = threading.Event()

    def __enter__(self) -> Session:
        # One connection stays open: where the last one closes, SQLite moves its log into the file and waits for the disk.
        self._held = ExitStack()
        self._held.enter_context(self.store._connected())
        self._beating = threading.Thread(target=self._beat, daemon=True)
        self._beating.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._beating.join()
        with self._held, self.store._connected() as connection:
            connection.execute(LEAVE, {"owner": self.owner})

    def plan(self, jobs: Iterable[Job]) -> None:
        """Write down runs that are wanted, as pending where the store does not know them."""
        rows = [_plan_row(job) for job in jobs]
        with self.store._connected() as connection, _at_once(connection):
            connection.executemany(PLAN, rows)

    def claim(self, jobs: Iterable[Job]) -> list[Job]:
        """Take those of the runs that nobody alive is making and that have not ended since this session began."""
        mine = []
        now = time.time()
        with self.store._connected() as connection, _at_once(connection):
            for job in jobs:
                connection.execute(PLAN, _plan_row(job))
                held = connection.execute(
                    "SELECT status, owner, heartbeat, ended FROM runs WHERE key = ?", (job.key,)
                ).fetchone()
                ended = held["status"] in ENDED and (held["ended"] or 0.0) >= self.begun
                if not ended and (held["owner"] is None or not self._alive(held["owner"], held["heartbeat"], now)):
                    connection.execute(CLAIM, {"key": job.key, "owner": self.owner, "now": now})
                    mine.append(job)
        return mine

    def ended_elsewhere(self, jobs: Iterable[Job]) -> list[Job]:
        """Return those of the runs that another session has ended since this one began."""
        with self.store._connected() as connection:
            rows = connection.execute(
                "SELECT key FROM runs WHERE owner IS NULL AND ended >= ?", (self.begun,)
            ).fetchall()
        ended = {key for (key,) in rows}
        return [job for job in jobs if job.key in ended]

    def finish(self, results: Iterable[tuple[Job, Result]]) -> list[bool]:
        """Write results of runs that were claimed, all or none; say of each whether the run was still ours.

        It is not where this process was taken for dead, say because the machine slept, and another took the run up:
        then the other's result counts.
        """
        kept = []
        with self.store._connected() as connection, _at_once(connection):
            for job, result in results:
                held = connection.execute("SELECT owner FROM runs WHERE key = ?", (job.key,)).fetchone()
                kept.append(held is not None and held["owner"] == self.owner)
                if kept[-1]:
                    connection.execute(PUT, _row(result, job.label))
                    connection.execute(LEAVE + " AND key = :key", {"owner": self.owner, "key": job.key})
        return kept

    def _alive(self, owner: str, heartbeat: float | None, now: float) -> bool:
        """Say whether the owner of a run still works on it."""
        if heartbeat is None or now - heartbeat > self.lease:
            return False
        host, process, _ = owner.split("/")
        return host != socket.gethostname() or _process_exists(int(process))

    def _beat(self) -> None:
        """Write the time at the runs of this session, again and again until it is over."""
        while not self._over.wait(self.lease / 5):
            try:
                with self.store._connected() as connection:
                    connection.execute("UPDATE runs SET heartbeat = ? WHERE owner = ?", (time.time(), self.owner))
            except ValueError:  # a full disk or a locked file: the session itself will say so when it writes
                continue


def _process_exists(process: int) -> bool:
    """Say whether a process of this machine exists; True where that cannot be told."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def _at_once(connection: sqlite3.Connection) -> Iterator[None]:
    """Make all changes of the block, or none; no other process changes anything meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _plan_row(job: Job) -> dict[str, Any]:
    return {"key": job.key, "label": job.label, "experiment": job.experiment.model_dump_json(), "seed": job.seed}


def _row(result: Result, label: str) -> dict[str, Any]:
    row = {
        "key": result.key,
        "label": label,
        "experiment": result.experiment.model_dump_json(),
        "seed": result.seed,
        "status": result.status,
        "ended": time.time(),
        "seconds": result.seconds,
        "reason": result.reason,
        "stages": json.dumps([stage.model_dump(mode="json") for stage in result.stages]),
        "environment": result.environment.model_dump_json(),
    }
    return row | {"checksum": _checksum(row)}


def _checksum(row: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps([row[name] for name in PARTS]).encode()).hexdigest()
