"""Files of results that this user may only read: a colleague's store, an archive, a read-only disk."""

from __future__ import annotations

import os
import shutil
import sqlite3
import weakref
from contextlib import closing
from pathlib import Path
from tempfile import mkdtemp

from .._errors import BenchError
from ._database import check_pages, prepare

BESIDE = ("-wal", "-journal")  # files with changes that SQLite has yet to write to the main file, or to take back


def is_read_only(path: Path) -> bool:
    """Return whether a file exists that this user may not write, or not beside which SQLite could write a journal."""
    return path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))


def file_to_read(path: Path, owner: object) -> Path:
    """Return the file to read instead of a read-only store: itself, or a private copy that lives as long as `owner`.

    A copy is read if changes lie in a file beside the store, which SQLite could only merge by writing.

    Raises:
        BenchError: If the file cannot be read or is no store.
    """
    if _is_complete(path):
        return path
    copy = temporary_file(owner)
    try:
        for file in (path, *(path.with_name(path.name + ending) for ending in BESIDE)):
            if file.exists():
                shutil.copyfile(file, copy.with_name(copy.name + file.name.removeprefix(path.name)))
    except OSError as error:
        raise BenchError(f"{path}: expected a store that can be read, got: {error.strerror}") from error
    prepare(copy, shown=path)
    return copy


def temporary_file(owner: object) -> Path:
    """Return a place for a file named as a store's in a new temporary folder, which is removed with `owner`."""
    folder = mkdtemp(prefix="srnn-")
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    return Path(folder) / "results.sqlite"


def _is_complete(path: Path) -> bool:
    """Return whether a store can be read without the files beside it."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            connection.execute(
                "SELECT count(*) FROM sqlite_schema"
            ).fetchone()  # fails if a journal is to be taken back
            check_pages(connection, path)
    except sqlite3.Error:
        return False
    return bool(mode == "delete")
