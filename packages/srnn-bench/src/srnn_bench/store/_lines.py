"""Runs as JSON lines: one run per line, in the files of published results.

A line holds the table and the scale for which it was written, the label and the key of the run, its seed, status,
reason, start and end (UTC), seconds, stages, environment and experiment. Values that are the default of their field are
left out, so that the line of a run stays the same when a later version adds a field. A file whose name ends in `.gz` is
compressed with gzip.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, Field, ValidationError

from .._errors import BenchError, validation_message
from .._files import write_atomically
from .._value import Value
from ..experiment import Result, canonical
from ._record import Record, same_outcome, with_histories


class Line(Value):
    """The fields of a line beside those of its result."""

    table: str
    scale: str
    label: str = ""
    started: AwareDatetime | None = None
    ended: AwareDatetime | None = None
    result: Result = Field(exclude=True)

    @property
    def record(self) -> Record:
        """The run as a store holds it."""
        return Record(self.result, self.label, _seconds(self.started), _seconds(self.ended))


@dataclass(frozen=True)
class PublishedRun:
    """A run of published results: its record, the tables with their scales, and the place it was read from."""

    record: Record
    tables: tuple[tuple[str, str], ...]
    where: str


def write_lines(path: Path, table: str, scale: str, records: Iterable[Record]) -> Path:
    """Write the runs of a table to a file, in the given order, and return its path. The write is atomic.

    It is compressed if its name ends in `.gz`; the same runs give the same bytes with the same version of zlib.

    Raises:
        DiskError: If the file cannot be written.
    """
    texts = [json.dumps(_data(table, scale, record), ensure_ascii=False, allow_nan=False) for record in records]
    data = "".join(f"{text}\n" for text in texts).encode()
    write_atomically(path, gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def published_files(folder: Path) -> list[Path]:
    """Return the files of runs in a folder, `*.jsonl` and `*.jsonl.gz`, in the order of their names."""
    return sorted([*folder.glob("*.jsonl"), *folder.glob("*.jsonl.gz")])


def read_lines(paths: Iterable[Path]) -> list[PublishedRun]:
    """Return the runs of files, each once: of a run that several files hold, the histories are joined.

    Raises:
        BenchError: If a file cannot be read, a line is not a run with this key, or two lines give different numbers
            for one run. The message names file and line.
    """
    runs: dict[str, PublishedRun] = {}
    for path in paths:
        for line, where in _lines(path):
            run = PublishedRun(line.record, ((line.table, line.scale),), where)
            earlier = runs.get(line.result.key)
            runs[line.result.key] = run if earlier is None else _joined(earlier, run)
    return list(runs.values())


def _joined(earlier: PublishedRun, run: PublishedRun) -> PublishedRun:
    one, other = earlier.record, run.record
    if not same_outcome(one.result, other.result):
        raise BenchError(
            f"{run.where}: run {other.result.key} has other numbers than in {earlier.where}; expected the same, "
            "write both files again from one store"
        )
    tables = tuple(dict.fromkeys((*earlier.tables, *run.tables)))
    return PublishedRun(with_histories(one, other), tables, earlier.where)


def _lines(path: Path) -> Iterator[tuple[Line, str]]:
    """Yield each run of a file with its place."""
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BenchError(f"{path}: expected a file of runs compressed with gzip, got: {error}") from error
    except OSError as error:
        raise BenchError(f"{path}: expected a file of runs as JSON lines, got: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BenchError(f"{path}: expected text in UTF-8, got: {error}") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _parse(line, where := f"{path}:{number}"), where


def _parse(text: str, where: str) -> Line:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BenchError(f"{where}: expected a run as one line of JSON, got: {error}") from error
    if not isinstance(data, dict):
        raise BenchError(f"{where}: expected a run as a JSON object, got {type(data).__name__}")
    head = {name: data.pop(name) for name in Line.model_fields if name != "result" and name in data}
    try:
        line = Line.model_validate({**head, "result": Result.model_validate(data)})
    except ValidationError as error:
        raise BenchError(f"{where}: {validation_message(error, {**data, **head})}") from error
    key = line.result.experiment.key(line.result.seed)
    if line.result.key != key:
        raise BenchError(
            f"{where}: expected the key {key}, which its experiment and seed have, got {line.result.key}; "
            "the line was edited, or written by another version of a package"
        )
    return line


def _data(table: str, scale: str, record: Record) -> dict[str, Any]:
    """Return a line as JSON data, the short fields first."""
    head: dict[str, Any] = {"table": table, "scale": scale, "label": record.label}
    times = {"started": _utc(record.started), "ended": _utc(record.ended)}
    data = canonical(record.result)
    bulk = {name: data.pop(name) for name in ("stages", "environment", "experiment") if name in data}
    return {**head, **data, **times, **bulk}


def _utc(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):  # a damaged time, which no checksum covers
        return None


def _seconds(time: datetime | None) -> float | None:
    return None if time is None else time.timestamp()
