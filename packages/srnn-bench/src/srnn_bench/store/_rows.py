"""One row of a store: a result as text and numbers with a checksum, and back."""

from __future__ import annotations

import hashlib
import json
import time
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from .._errors import BenchError, validation_message
from ..experiment import Experiment, Job, Result
from ._database import as_text
from ._record import Record

CHECKED = ("key", "seed", "status", "experiment", "seconds", "reason", "stages", "environment")  # by the checksum


def row_of(record: Record) -> dict[str, Any]:
    """Return the row of a result, by column; it ends now if the record has no end."""
    result = record.result
    row = {
        "key": result.key,
        "label": printable(record.label),
        "experiment": result.experiment.model_dump_json(),
        "seed": check_seed(result.seed),
        "status": result.status,
        "started": record.started,
        "ended": time.time() if record.ended is None else record.ended,
        "seconds": result.seconds,
        "reason": None if result.reason is None else printable(result.reason),
        "stages": json.dumps([stage.model_dump(mode="json") for stage in result.stages]),
        "environment": result.environment.model_dump_json(),
    }
    return row | {"checksum": checksum(row)}


def pending_row(job: Job) -> dict[str, Any]:
    """Return the row of a run that has not been executed yet."""
    return {
        "key": job.key,
        "label": printable(job.label),
        "experiment": job.experiment.model_dump_json(),
        "seed": check_seed(job.seed),
    }


def result_of(row: dict[str, Any], where: str) -> Result:
    """Return the result of a row whose checksum fits; `where` names the row in errors."""
    try:
        parts: dict[str, Any] = {name: json.loads(row[name]) for name in ("stages", "environment")}
        parts["experiment"] = _experiment(row["experiment"])
        result = Result.model_validate({**{name: row[name] for name in CHECKED}, **parts})
        if result.experiment.key(result.seed) != result.key:
            raise ValueError("its experiment and seed have another key")
    except ValidationError as error:
        raise BenchError(
            f"{where} cannot be read by the installed packages (was the plug-in of its task removed?): "
            f"{validation_message(error)}"
        ) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise BenchError(f"{where} cannot be read: {error}") from error
    return result


def record_of(row: dict[str, Any], where: str) -> Record:
    """Return the record of a row whose checksum fits. Label and times, which it does not cover, may be damaged."""
    started, ended = (row[name] if isinstance(row[name], float) else None for name in ("started", "ended"))
    if started is not None and (ended is None or started > ended):
        started = None  # of a later attempt, which did not end
    label = row["label"] if isinstance(row["label"], str) else ""
    return Record(result_of(row, where), label, started, ended)


def check(row: dict[str, Any], where: str) -> None:
    """Raise BenchError if a row is not as it was written; `where` names the row."""
    try:
        intact = row["checksum"] == checksum(row)
    except (TypeError, KeyError):  # a blob, or a key that is not a text
        intact = False
    if not intact:
        raise BenchError(f"{where} cannot be read: its checksum does not match; it was damaged or edited by hand")


def checksum(row: dict[str, Any]) -> str:
    """Return the SHA-256 of the columns that make up a result, as hexadecimal digits."""
    return hashlib.sha256(json.dumps([row[name] for name in CHECKED]).encode()).hexdigest()


def check_seed(seed: int) -> int:
    """Return the seed if SQLite can store it."""
    if not -(2**63) <= seed < 2**63:
        raise BenchError(f"seed: expected an integer that fits into 64 bits, got {seed}")
    return seed


def printable(text: str) -> str:
    """Return a text with escapes in place of lone surrogates, which file names in error messages may contain."""
    return as_text(text.encode(errors="backslashreplace"))


@lru_cache(maxsize=10_000)
def _experiment(text: str) -> Experiment:
    """Parse an experiment. Cached: its seeds have the same text, and looking up a task takes milliseconds."""
    return Experiment.model_validate_json(text)
