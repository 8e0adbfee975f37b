"""The results of a folder, one row per run, in one SQLite file on a local disk."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from .._errors import BenchError
from .._files import partial_path, remove_stale, write_atomically
from ..experiment import Request, Result
from ._database import connected, prepare, transaction
from ._lines import published_files
from ._read_only import file_to_read, is_read_only
from ._record import Record
from ._requests import add_requests, read_requests
from ._rows import CHECKED, check, record_of, row_of

READ = f"SELECT {', '.join((*CHECKED, 'checksum', 'label', 'started', 'ended'))} FROM runs"
PUT = """
INSERT INTO runs (key, label, experiment, seed, status, started, ended, seconds, reason, stages, environment, checksum)
VALUES (:key, :label, :experiment, :seed, :status, :started, :ended, :seconds, :reason, :stages, :environment,
    :checksum)
ON CONFLICT (key) DO UPDATE SET experiment = :experiment, status = :status, started = :started, ended = :ended,
    seconds = :seconds, reason = :reason, stages = :stages, environment = :environment, checksum = :checksum
WHERE :status != 'failed' OR runs.status NOT IN ('done', 'diverged')
"""


class Store:
    """Results by run key. A later result replaces an earlier one, but a failed result never replaces another.

    `folder` is created if it does not exist; the results are in `<folder>/results.sqlite`. A row holds text and
    numbers with a checksum; nothing is ever unpickled. Several processes may work on one store, see `Session`.

    `writable` is false for a store that this user may only read, e.g. a colleague's.

    Raises:
        BenchError: If the folder or the file cannot be used, or a row was damaged or edited by hand. The message
            names it.
        DiskError: If the disk is full. The store is then as it was before.
    """

    lease = 20.0  # seconds without a heartbeat after which the process that executes a run counts as dead

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.path = self.folder / "results.sqlite"
        if not self.path.exists() and published_files(self.folder):
            raise BenchError(
                f"results: expected a folder for a store, got {folder}, which holds published runs; put them into a "
                f"store with `srnn import {self.folder / '*.jsonl*'} --results FOLDER`"
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BenchError(
                f"results: expected a folder that can be created, got {folder}: {error.strerror}"
            ) from error
        self._checked: set[tuple[str, int, str]] = set()
        self.writable = not is_read_only(self.path)
        self._file = self.path if self.writable else file_to_read(self.path, self)  # what is opened
        if self.writable:
            prepare(self._file)

    def put(
        self,
        result: Result,
        *,
        label: str = "",
        weights: Mapping[str, bytes] | None = None,
        started: float | None = None,
        ended: float | None = None,
    ) -> None:
        """Write a result and its weights; both are on disk when this returns.

        `started` and `ended` are in seconds since 1970 (UTC); by default the start is unknown and the end is now.

        `weights` are safetensors files by stage, written to `weights/<key>/<stage>.safetensors` in the folder of the
        store. The weights of a result that is replaced are removed.
        """
        self.check_writable()
        with (
            self.staged_weights(result.key, weights or {}) as move_weights,
            self.connected() as connection,
            transaction(connection),
        ):
            write(connection, Record(result, label, started, ended), move_weights)

    def check_writable(self) -> None:
        """Raise BenchError if the results can only be read."""
        if not self.writable:
            raise BenchError(f"{self.path}: these results can only be read; expected a folder of your own (--results)")

    def connected(self) -> AbstractContextManager[sqlite3.Connection]:
        """Open a connection to the file of the store, see `connected` in `_database`."""
        return connected(self._file, read_only=not self.writable, shown=self.path)

    def weights_folder(self, key: str) -> Path:
        """Return the folder of the weights of a run."""
        return self.folder / "weights" / key

    @contextmanager
    def staged_weights(self, key: str, weights: Mapping[str, bytes]) -> Iterator[Callable[[], None]]:
        """Write weights to a temporary folder; yield the function that puts it in the place of the run's weights.

        The function renames a folder within its parent, cheap enough to run inside a transaction.
        """
        old = self.weights_folder(key)
        new = partial_path(old)

        def move_weights() -> None:
            shutil.rmtree(old, ignore_errors=True)
            if weights:
                new.replace(old)

        try:
            remove_stale(old.parent)
            for stage, data in weights.items():
                write_atomically(new / f"{stage}.safetensors", data)
            yield move_weights
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def has_weights(self, result: Result) -> bool:
        """Return whether the weights of every stage of a result are on disk."""
        folder = self.weights_folder(result.key)
        return all((folder / f"{stage.name}.safetensors").exists() for stage in result.stages)

    def get(self, key: str) -> Result | None:
        """Return the result with this key, or None."""
        record = self.record(key)
        return None if record is None else record.result

    def record(self, key: str) -> Record | None:
        """Return the result with this key with its label and times, or None."""
        with self.connected() as connection:
            row = connection.execute(f"{READ} WHERE key = ?", (key,)).fetchone()
        return None if row is None else self._record(row)

    def __iter__(self) -> Iterator[Result]:
        """Iterate over all results, in the order of their keys."""
        with self.connected() as connection:
            rows = connection.execute(f"{READ} ORDER BY key").fetchall()
        for row in rows:
            record = self._record(row)
            if record is not None:
                yield record.result

    def keys(self) -> dict[str, int]:
        """Return the seed of each run that has a result, by key.

        Also checks every row that was not checked before: a row whose key or seed was edited would never be asked for.
        """
        with self.connected() as connection:
            connection.execute("BEGIN")  # both queries see one state of the file
            rows = connection.execute("SELECT key, seed, checksum FROM runs WHERE checksum IS NOT NULL").fetchall()
            heads = {tuple(row) for row in rows}
            for key, *_ in sorted(heads - self._checked, key=str):
                row = connection.execute(f"{READ} WHERE key = ?", (key,)).fetchone()
                check({"key": key, "checksum": None} if row is None else dict(row), self._where(key))
        self._checked = heads
        return {key: seed for key, seed, _ in heads}

    def statuses(self) -> Counter[str]:
        """Return the number of runs that are pending, running, done, diverged and failed, by status."""
        with self.connected() as connection:
            return Counter(dict(connection.execute("SELECT status, count(*) FROM runs GROUP BY status").fetchall()))

    def labels(self) -> dict[str, str]:
        """Return the label of each run that has a result, by key: that of the job which asked for it first."""
        with self.connected() as connection:
            return dict(connection.execute("SELECT key, label FROM runs WHERE checksum IS NOT NULL").fetchall())

    def add_requests(self, requests: Iterable[Request]) -> None:
        """Record what a sweep is asked for; seeds are added to those of an equal request."""
        self.check_writable()
        with self.connected() as connection, transaction(connection):
            add_requests(connection, requests)

    def requests(self, on_note: Callable[[str], None] = lambda text: None) -> list[Request]:
        """Return what sweeps were asked for, first requests first; none in a store of an earlier version.

        `on_note` receives a message for each request that cannot be read, which is left out.
        """
        with self.connected() as connection:
            return read_requests(connection, str(self.path), on_note)

    def _record(self, row: sqlite3.Row) -> Record | None:
        """Return the record of a row, None if the run has no result yet."""
        columns = dict(row)
        if columns["checksum"] is None and columns["status"] in ("pending", "running"):
            return None
        where = self._where(columns["key"])
        check(columns, where)
        return record_of(columns, where)

    def _where(self, key: object) -> str:
        return f"{self.path}: run {key}"


def write(connection: sqlite3.Connection, record: Record, move_weights: Callable[[], None]) -> None:
    """Write a result within a transaction, and its weights unless an earlier result is kept."""
    if connection.execute(PUT, row_of(record)).rowcount:
        move_weights()
