"""The results of a folder, in one SQLite file that must lie on a local disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pydantic import ValidationError

from ._result import Result

SCHEMA = """
CREATE TABLE IF NOT EXISTS results (
    key TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    seed INTEGER NOT NULL,
    result TEXT NOT NULL
)
"""

PUT = """
INSERT INTO results (key, status, seed, result) VALUES (:key, :status, :seed, :result)
ON CONFLICT (key) DO UPDATE SET status = :status, seed = :seed, result = :result
WHERE :status != 'failed' OR results.status = 'failed'
"""


class Store:
    """Results by key; a later result of the same key takes the place of the earlier.

    But a failed one never takes the place of one that is done or diverged. `folder` is made when it is not there. A row
    is a result's JSON; nothing is ever unpickled. A folder or file that cannot be used is a ValueError that names it.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / "results.sqlite"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"results: expected a folder that can be made, got {folder}: {error.strerror}") from error
        with self._connected() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(SCHEMA)

    def put(self, result: Result) -> None:
        """Write a result; it is on the disk when this returns."""
        row = {"key": result.key, "status": result.status, "seed": result.seed, "result": result.model_dump_json()}
        with self._connected() as connection:
            connection.execute(PUT, row)

    def get(self, key: str) -> Result | None:
        """Return the result of that key, or None."""
        with self._connected() as connection:
            row = connection.execute("SELECT result FROM results WHERE key = ?", (key,)).fetchone()
        return None if row is None else self._read(key, row[0])

    def __iter__(self) -> Iterator[Result]:
        """Give all results, in the order of their keys."""
        with self._connected() as connection:
            rows = connection.execute("SELECT key, result FROM results ORDER BY key").fetchall()
        for key, text in rows:
            yield self._read(key, text)

    def seeds(self) -> list[int]:
        """Return every seed that some result has, in order."""
        with self._connected() as connection:
            return [seed for (seed,) in connection.execute("SELECT DISTINCT seed FROM results ORDER BY seed")]

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """Give a connection whose changes are written when the block ends, and none of them when it fails."""
        try:
            with closing(sqlite3.connect(self.path, timeout=60)) as connection, connection:
                yield connection
        except sqlite3.Error as error:
            raise ValueError(f"{self.path}: {error}; is it a store of results on a local disk?") from error

    def _read(self, key: str, text: str) -> Result:
        try:
            return Result.model_validate_json(text)
        except ValidationError as error:
            raise ValueError(
                f"{self.path}: result {key} cannot be read by the packages installed now "
                f"(was its task's plug-in removed?): {error}"
            ) from error
