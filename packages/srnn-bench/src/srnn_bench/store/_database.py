"""The SQLite file of a store: its schema, connections and transactions."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
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
ATTEMPTS = 200  # 0.05 s apart, at switching to WAL mode, for which SQLite's own timeout does not wait


def prepare(path: Path) -> None:
    """Create the file if it does not exist, and refuse a file of another version."""
    with connected(path) as connection:
        _set_wal(connection)
        with transaction(connection):
            _check_version(connection, path)
            connection.execute(SCHEMA)
            connection.execute(f"PRAGMA user_version={VERSION}")


@contextmanager
def connected(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a connection that commits after each statement.

    Raises:
        DiskError: If the disk is full or fails.
        BenchError: For any other error of SQLite, such as a file that is not a database.
    """
    try:
        with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
            # in WAL mode this survives the death of any process, and of the machine except for the last commits
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.row_factory = sqlite3.Row
            connection.text_factory = as_text  # invalid text fails at the row's checksum, whose error names the row
            yield connection
    except (sqlite3.Error, UnicodeDecodeError) as error:  # UnicodeDecodeError: the schema itself is damaged
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise DiskError(f"{path}: {error}; everything written before is intact") from error
        raise BenchError(f"{path}: {error}; expected a store of results on a local disk") from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Apply all changes of the block or none, while no other process changes the file."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables = connection.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").fetchone()[0]
    if version != VERSION and (version or tables):
        raise BenchError(
            f"{path}: expected a store of version {VERSION}, got version {version}, written by another srnn-bench"
        )


def _set_wal(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL mode; SQLite does not wait here while another process does the same."""
    for attempt in range(ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or attempt == ATTEMPTS - 1:
                raise
            time.sleep(0.05)


def as_text(data: bytes) -> str:
    """Decode UTF-8, with escapes in place of invalid bytes."""
    return data.decode(errors="backslashreplace")
