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
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ._disk import DiskError, write_whole
from ._experiment import Experiment
from ._job import Job
from ._process import process_exists
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
PATIENCE = 200  # attempts, 0.05 s apart, at what SQLite does not wait for by itself
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
CLAIMS = "SELECT key, status, owner, heartbeat, ended FROM runs"
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
        self._checked: set[tuple[str, int, str]] = set()
        with self._connected() as connection:
            _set_wal(connection)
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
        """Return every seed that some run with a result has, in order.

        Here it shows when a row's key or seed was changed, so that nobody would ever ask for it.
        """
        with self._connected() as connection:
            connection.execute("BEGIN")  # both questions are about one state of the file
            found = connection.execute("SELECT key, seed, checksum FROM runs WHERE checksum IS NOT NULL").fetchall()
            heads = {tuple(row) for row in found}
            for key, *_ in sorted(heads - self._checked, key=str):
                row = connection.execute(f"{READ} WHERE key = ?", (key,)).fetchone()
                self._check({"key": key, "checksum": None} if row is None else dict(row))
        self._checked = heads
        return sorted({seed for _, seed, _ in heads})

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
                connection.text_factory = _text  # what is no text fails at its checksum, which names the row
                yield connection
        except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter where the schema itself is damaged
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
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
        where = self._check(held)
        try:
            parts: dict[str, Any] = {name: json.loads(held[name]) for name in ("stages", "environment")}
            parts["experiment"] = _experiment(held["experiment"])
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

    def _check(self, held: dict[str, Any]) -> str:
        """Raise ValueError where a row is not as it was written; return how it is called in errors."""
        where = f"{self.path}: run {held['key']}"
        try:
            fits = held["checksum"] == _checksum(held)
        except (TypeError, KeyError):  # a blob, or a key that is no text
            fits = False
        if not fits:
            raise ValueError(f"{where} cannot be read: its checksum does not fit; it was damaged or changed by hand")
        return where


READ = f"SELECT {', '.join((*PARTS, 'checksum'))} FROM runs"


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
        connection = self._held.enter_context(self.store._connected())
        with _at_once(connection):  # what other sessions end before this time can be read after it
            self.begun = time.time()
        self._beating = threading.Thread(target=self._beat, daemon=True)
        self._beating.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        self._beating.join()
        try:
            with self._held, self.store._connected() as connection:
                connection.execute(LEAVE, {"owner": self.owner})
        except ValueError:  # they are given back when the lease runs out; what broke the session off is told first
            if kind is None:
                raise

    def plan(self, jobs: Iterable[Job]) -> None:
        """Write down runs that are wanted, as pending where the store does not know them."""
        rows = [_plan_row(job) for job in jobs]
        with self.store._connected() as connection, _at_once(connection):
            connection.executemany(PLAN, rows)

    def claim(self, jobs: Iterable[Job]) -> list[Job]:
        """Take those of the runs that nobody alive is making and that have not ended since this session began."""
        mine = []
        with self.store._connected() as connection, _at_once(connection):
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
        with self.store._connected() as connection:
            rows = connection.execute(CLAIMS).fetchall()
        now = time.time()
        free = [row for row in rows if not self._taken(row, now)]
        ended = {row["key"] for row in free if self._ended(row)}
        return ended, {row["key"] for row in free} - ended

    def idle(self) -> bool:
        """Say whether every run of the store has ended, and none is being made again."""
        with self.store._connected() as connection:
            query = "SELECT 1 FROM runs WHERE owner IS NOT NULL OR status IN ('pending', 'running') LIMIT 1"
            return connection.execute(query).fetchone() is None

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
                with self.store._connected() as connection:
                    connection.execute("UPDATE runs SET heartbeat = ? WHERE owner = ?", (time.time(), self.owner))
            except ValueError:  # a full disk or a locked file: the session itself will say so when it writes
                continue


def _set_wal(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL mode; SQLite does not wait here for others who are doing the same."""
    for attempt in range(PATIENCE):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or attempt == PATIENCE - 1:
                raise
            time.sleep(0.05)


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


@lru_cache(maxsize=10_000)
def _experiment(text: str) -> Experiment:
    """Return the experiment of a row; its other seeds have the same, and to look a task up takes milliseconds."""
    return Experiment.model_validate_json(text)


def _text(data: bytes) -> str:
    return data.decode(errors="backslashreplace")


def _clean(text: str) -> str:
    """Return a text without halves of characters, which file names in error texts may have."""
    return _text(text.encode(errors="backslashreplace"))


def _seed(seed: int) -> int:
    if not -(2**63) <= seed < 2**63:
        raise ValueError(f"seed: expected a number that fits into 64 bits, got {seed}")
    return seed


def _plan_row(job: Job) -> dict[str, Any]:
    return {
        "key": job.key,
        "label": _clean(job.label),
        "experiment": job.experiment.model_dump_json(),
        "seed": _seed(job.seed),
    }


def _row(result: Result, label: str) -> dict[str, Any]:
    row = {
        "key": result.key,
        "label": _clean(label),
        "experiment": result.experiment.model_dump_json(),
        "seed": _seed(result.seed),
        "status": result.status,
        "ended": time.time(),
        "seconds": result.seconds,
        "reason": None if result.reason is None else _clean(result.reason),
        "stages": json.dumps([stage.model_dump(mode="json") for stage in result.stages]),
        "environment": result.environment.model_dump_json(),
    }
    return row | {"checksum": _checksum(row)}


def _checksum(row: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps([row[name] for name in PARTS]).encode()).hexdigest()
