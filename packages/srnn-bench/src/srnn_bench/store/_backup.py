"""A copy of a store, also of one that sweeps are writing to."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from .._errors import BenchError
from .._files import DiskError, partial_path
from ._store import Store


def backup(store: Store, path: str | Path) -> Path:
    """Copy the results of a store to a new file as they are at one moment, and return its path.

    Sweeps may go on meanwhile. The copy is one file: put it into a folder as `results.sqlite` to use it as a store.
    Weights and checkpoints are not copied.

    Raises:
        BenchError: If the file exists, or its folder does not.
        DiskError: If the file cannot be written.
    """
    target = Path(path)
    if target.exists():
        raise BenchError(f"backup: expected a new file, got {target}, which exists")
    if not target.parent.is_dir():
        raise BenchError(f"backup: expected a file in an existing folder, got {target}")
    partial = partial_path(target)
    try:
        with store.connected() as source, closing(sqlite3.connect(partial)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # a store of an earlier version may have used a log
        partial.rename(target)
    except (sqlite3.OperationalError, OSError) as error:
        raise DiskError(f"{target}: cannot be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return target
