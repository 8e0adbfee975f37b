"""Atomic file writes."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

from ._errors import BenchError


class DiskError(BenchError):
    """A file cannot be written, e.g. because the disk is full; the previous content is intact, and a sweep ends."""


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that it is complete or absent, even if the process or the machine dies during the write.

    Creates the folder if needed, and removes partial files that dead processes left in it.

    Raises:
        DiskError: If the file cannot be written; the message names it.
    """
    try:
        try:
            _write(path, data)
        except FileNotFoundError:  # another process removed the folder in the meantime
            _write(path, data)
    except OSError as error:
        raise DiskError(f"{path}: cannot be written: {error.strerror or error}") from error


def partial_path(path: Path) -> Path:
    """Return a new name beside `path` for a file or folder that is renamed to `path` once it is complete.

    The name holds the PID, so that `remove_stale` can tell whether its writer is still alive.
    """
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.{os.getpid()}.half")


def remove_stale(folder: Path) -> None:
    """Remove the partial files and folders in `folder` whose writer is no longer alive."""
    for partial in folder.glob(".*.half"):
        pid = partial.name.split(".")[-2]
        if pid.isdecimal() and not process_exists(int(pid)):
            if partial.is_dir():
                shutil.rmtree(partial, ignore_errors=True)
            else:
                partial.unlink(missing_ok=True)


def process_exists(pid: int) -> bool:
    """Return whether a process of this machine exists; True where that cannot be determined."""
    if os.name != "posix" or pid < 1:
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _write(path: Path, data: bytes) -> None:
    partial = partial_path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_stale(path.parent)
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
