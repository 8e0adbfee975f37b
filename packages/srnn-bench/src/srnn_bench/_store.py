"""The results of a folder, in one SQLite file that must lie on a local disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
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


class Store:
    """Results by key; a later result of the same key takes the place of the earlier.

    `folder` is made when it is not there. A row is a result's JSON; nothing is ever unpickled.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / "results.sqlite"
        with closing(self._connect()) as connection, connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(SCHEMA)

    def put(self, result: Result) -> None:
        """Write a result; it is on the disk when this returns."""
        row = (result.key, result.status, result.seed, result.model_dump_json())
        with closing(self._connect()) as connection, connection:
            connection.execute("INSERT OR REPLACE INTO results (key, status, seed, result) VALUES (?, ?, ?, ?)", row)

    def get(self, key: str) -> Result | None:
        """Return the result of that key, or None."""
        with closing(self._connect()) as connection:
            row = connection.execute("SELECT result FROM results WHERE key = ?", (key,)).fetchone()
        return None if row is None else self._read(key, row[0])

    def __iter__(self) -> Iterator[Result]:
        """Give all results, in the order of their keys."""
        with closing(self._connect()) as connection:
            rows = connection.execute("SELECT key, result FROM results ORDER BY key").fetchall()
        for key, text in rows:
            yield self._read(key, text)

    def seeds(self) -> list[int]:
        """Return every seed that some result has, in order."""
        with closing(self._connect()) as connection:
            return [seed for (seed,) in connection.execute("SELECT DISTINCT seed FROM results ORDER BY seed")]

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=60)

    def _read(self, key: str, text: str) -> Result:
        try:
            return Result.model_validate_json(text)
        except ValidationError as error:
            raise ValueError(
                f"{self.path}: result {key} cannot be read by the packages installed now "
                f"(was its task's plug-in removed?): {error}"
            ) from error
