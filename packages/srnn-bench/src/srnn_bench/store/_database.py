"""The SQLite file of a store: its table, connections whose errors are ours, and changes that are made whole."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

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

PATIENCE = 200  # attempts, 0.05 s apart, at what SQLite does not wait for by itself


def prepare(path: Path) -> None:
    """Make the file where it is not there, and refuse one of another version."""
    with connected(path) as connection:
        _set_wal(connection)
        with at_once(connection):
            _check_version(connection, path)
            connection.execute(SCHEMA)
            connection.execute(f"PRAGMA user_version={VERSION}")


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection that commits each statement; its errors become ours."""
    try:
        with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
            # in WAL mode this outlives any death of a process; of the machine too, but for the last commits
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.row_factory = sqlite3.Row
            connection.text_factory = as_text  # what is no text fails at its checksum, which names the row
            yield connection
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter where the schema itself is damaged
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise DiskError(f"{path}: {error}; what was written before is intact") from error
        raise ValueError(f"{path}: {error}; is it a store of results on a local disk?") from error


@contextmanager
def at_once(connection: sqlite3.Connection) -> Iterator[None]:
    """Make all changes of the block, or none; no other process changes anything meanwhile."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    tables = connection.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").fetchone()[0]
    if found != VERSION and (found or tables):
        raise ValueError(
            f"{path}: expected a store of version {VERSION}, got version {found}: made by another srnn-bench"
        )


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


def as_text(data: bytes) -> str:
    """Return bytes as text; what is none stands as escapes."""
    return data.decode(errors="backslashreplace")
