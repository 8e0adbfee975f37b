"""The SQLite file of a store: its schema, connections and transactions.

The file uses a rollback journal: once a transaction is over, all of it is in this one file. Files of earlier versions
used a write-ahead log (`-wal`), which is merged into the file when no other process has it open.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from .._errors import BenchError
from .._files import DiskError

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
PATIENCE = 60.0  # seconds that a statement or transaction waits for a lock before it fails
ATTEMPT = 1000  # milliseconds of one attempt to begin or end a transaction, during which Ctrl-C is not noticed
EDITED = r"CHECK constraint failed in runs|^[A-Z]+ value in runs\."  # what SQLite calls wrong about rows

Notify = Callable[[str], None]


def prepare(path: Path, *, shown: Path | None = None) -> None:
    """Create the file if it does not exist, and refuse a file that is damaged or of another version.

    `shown` is the path that errors name, by default that of the file.
    """
    with connected(path, shown=shown) as connection:
        _leave_wal(connection)
        if _is_new(connection, shown or path):
            with transaction(connection):
                if _is_new(connection, shown or path):  # otherwise another process created it
                    connection.execute(SCHEMA)
                    connection.execute(f"PRAGMA user_version={VERSION}")
        check_pages(connection, shown or path)


def check_pages(connection: sqlite3.Connection, shown: Path) -> None:
    """Raise BenchError if the pages of the file do not fit together, as in a copy made during a write.

    Rows that were edited by hand are not reported here but when they are read, with their key.
    """
    problems = [problem for (problem,) in connection.execute("PRAGMA quick_check(100)")]
    found = next((problem for problem in problems if not re.search(EDITED, problem)), "ok")
    if found != "ok":
        raise BenchError(
            f"{shown}: the file is damaged, or was copied while it was written ({found}); expected a whole store: "
            "copy it again with `srnn backup`, or with the file results.sqlite-journal or -wal beside it"
        )


@contextmanager
def connected(path: Path, *, read_only: bool = False, shown: Path | None = None) -> Iterator[sqlite3.Connection]:
    """Open a connection that commits after each statement; `shown` is the path that errors name.

    Raises:
        DiskError: If the disk is full or fails.
        BenchError: For any other error of SQLite, such as a file that is not a database.
    """
    place, named = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}", shown or path
    try:
        with closing(sqlite3.connect(place, timeout=PATIENCE, isolation_level=None, uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            connection.text_factory = as_text  # invalid text fails at the row's checksum, whose error names the row
            yield connection
    except (sqlite3.Error, UnicodeDecodeError) as error:  # UnicodeDecodeError: the schema itself is damaged
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise DiskError(f"{named}: {error}; everything written before is intact") from error
        raise BenchError(f"{named}: {error}; expected a store of results on a local disk") from error


@contextmanager
def transaction(connection: sqlite3.Connection, notify: Notify | None = None) -> Iterator[None]:
    """Apply all changes of the block or none, while no other process changes the file.

    After the block, all changes are in the main file. If another program keeps it locked, `notify` is called once and
    the transaction waits; without `notify` it fails after a minute.
    """
    connection.execute(f"PRAGMA busy_timeout={ATTEMPT}")
    _execute(connection, "BEGIN IMMEDIATE", notify)
    try:
        yield
        _execute(connection, "COMMIT", notify)
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    _execute(connection, "PRAGMA wal_checkpoint(FULL)", notify)  # does nothing with a rollback journal


def _execute(connection: sqlite3.Connection, statement: str, notify: Notify | None) -> None:
    """Execute a statement, again and again while the file is locked."""
    begin = time.monotonic()
    while (error := _locked(connection, statement)) is not None:
        if notify is not None:
            notify(
                "the store is locked by another program, perhaps an open query or an unsaved change; "
                "waiting until it can be written"
            )
            notify = _ignore
        elif time.monotonic() - begin > PATIENCE:
            raise error
        time.sleep(0.05)


def _locked(connection: sqlite3.Connection, statement: str) -> sqlite3.OperationalError | None:
    """Execute a statement; return the error if the file is locked, and None if the statement succeeded."""
    try:
        row = connection.execute(statement).fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            return error
        raise
    blocked = row is not None and row[0] == 1  # a checkpoint returns whether a reader blocked it
    return sqlite3.OperationalError("a reader keeps the last changes in the -wal file") if blocked else None


def _ignore(message: str) -> None:
    """Do not repeat a message."""


def _is_new(connection: sqlite3.Connection, path: Path) -> bool:
    """Return whether the file is empty; raise BenchError if it is of another version."""
    # in this order: another process may create the store in between, tables and version in one transaction
    tables = connection.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").fetchone()[0]
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != VERSION and (version or tables):
        raise BenchError(
            f"{path}: expected a store of version {VERSION}, got version {version}, written by another srnn-bench"
        )
    return bool(version != VERSION)


def _leave_wal(connection: sqlite3.Connection) -> None:
    """Merge the write-ahead log of an earlier version into the file, unless another process has it open."""
    try:
        connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise


def as_text(data: bytes) -> str:
    """Decode UTF-8, with escapes in place of invalid bytes."""
    return data.decode(errors="backslashreplace")
