"""The runs of a folder, a row each, in one SQLite file that must lie on a local disk."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .._files import half_of, remove_halves, write_whole
from ..experiment import Experiment, Result
from ._database import as_text, at_once, connected, prepare

PUT = """
INSERT INTO runs (key, label, experiment, seed, status, ended, seconds, reason, stages, environment, checksum)
VALUES (:key, :label, :experiment, :seed, :status, :ended, :seconds, :reason, :stages, :environment, :checksum)
ON CONFLICT (key) DO UPDATE SET experiment = :experiment, status = :status, ended = :ended, seconds = :seconds,
    reason = :reason, stages = :stages, environment = :environment, checksum = :checksum
WHERE :status != 'failed' OR runs.status NOT IN ('done', 'diverged')
"""

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
        prepare(self.path)

    def put(self, result: Result, *, label: str = "", weights: Mapping[str, bytes] | None = None) -> None:
        """Write a result and its weights; they are there when this returns, whatever happens to this process.

        `weights` are safetensors files by stage, `weights/<key>/<stage>.safetensors` in the folder of the store. Those
        of a result that is replaced go with it.
        """
        with self.beside(result.key, weights or {}) as place, connected(self.path) as connection, at_once(connection):
            write(connection, result, label, place)

    @contextmanager
    def beside(self, key: str, weights: Mapping[str, bytes]) -> Iterator[Callable[[], None]]:
        """Write weights, and give what puts them in the place of those that the run has now.

        That is a move within a folder, quick enough to stand at the end of a change of the file.
        """
        old = self.folder / "weights" / key
        new = half_of(old)

        def place() -> None:
            shutil.rmtree(old, ignore_errors=True)
            if weights:
                new.replace(old)

        try:
            remove_halves(old.parent)
            for stage, data in weights.items():
                write_whole(new / f"{stage}.safetensors", data)
            yield place
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def has_weights(self, result: Result) -> bool:
        """Say whether the weights of every stage of a result are there."""
        folder = self.folder / "weights" / result.key
        return all((folder / f"{stage.name}.safetensors").exists() for stage in result.stages)

    def get(self, key: str) -> Result | None:
        """Return the result of that key, or None."""
        with connected(self.path) as connection:
            row = connection.execute(f"{READ} WHERE key = ?", (key,)).fetchone()
        return None if row is None else self._read(row)

    def __iter__(self) -> Iterator[Result]:
        """Give all results, in the order of their keys."""
        with connected(self.path) as connection:
            rows = connection.execute(f"{READ} ORDER BY key").fetchall()
        for row in rows:
            result = self._read(row)
            if result is not None:
                yield result

    def keys(self) -> dict[str, int]:
        """Return the seeds of all runs with a result, by key.

        Here it shows when a row's key or seed was changed, so that nobody would ever ask for it.
        """
        with connected(self.path) as connection:
            connection.execute("BEGIN")  # both questions are about one state of the file
            found = connection.execute("SELECT key, seed, checksum FROM runs WHERE checksum IS NOT NULL").fetchall()
            heads = {tuple(row) for row in found}
            for key, *_ in sorted(heads - self._checked, key=str):
                row = connection.execute(f"{READ} WHERE key = ?", (key,)).fetchone()
                self._check({"key": key, "checksum": None} if row is None else dict(row))
        self._checked = heads
        return {key: seed for key, seed, _ in heads}

    def statuses(self) -> Counter[str]:
        """Return how many runs are pending, running, done, diverged, failed."""
        with connected(self.path) as connection:
            return Counter(dict(connection.execute("SELECT status, count(*) FROM runs GROUP BY status").fetchall()))

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


@lru_cache(maxsize=10_000)
def _experiment(text: str) -> Experiment:
    """Return the experiment of a row; its other seeds have the same, and to look a task up takes milliseconds."""
    return Experiment.model_validate_json(text)


def clean(text: str) -> str:
    """Return a text without halves of characters, which file names in error texts may have."""
    return as_text(text.encode(errors="backslashreplace"))


def check_seed(seed: int) -> int:
    if not -(2**63) <= seed < 2**63:
        raise ValueError(f"seed: expected a number that fits into 64 bits, got {seed}")
    return seed


def write(connection: sqlite3.Connection, result: Result, label: str, place: Callable[[], None]) -> None:
    """Write a result within a change of the file, with its weights where it takes the place of another."""
    if connection.execute(PUT, row_of(result, label)).rowcount:
        place()


def row_of(result: Result, label: str) -> dict[str, Any]:
    row = {
        "key": result.key,
        "label": clean(label),
        "experiment": result.experiment.model_dump_json(),
        "seed": check_seed(result.seed),
        "status": result.status,
        "ended": time.time(),
        "seconds": result.seconds,
        "reason": None if result.reason is None else clean(result.reason),
        "stages": json.dumps([stage.model_dump(mode="json") for stage in result.stages]),
        "environment": result.environment.model_dump_json(),
    }
    return row | {"checksum": _checksum(row)}


def _checksum(row: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps([row[name] for name in PARTS]).encode()).hexdigest()
