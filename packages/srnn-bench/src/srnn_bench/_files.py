"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from pathlib import Path

from ._errors import BenchError


class DiskError(BenchError):
    """A file cannot be written, as on a full disk: nothing can go on, and what was there before is intact."""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all, also when the process or the machine dies meanwhile.

    What processes that died left half written in its folder is removed. Raises DiskError, which names the file.
    """
    try:
        try:
            _write(path, data)
        except FileNotFoundError:  # another process removed the folder meanwhile
            _write(path, data)
    except OSError as error:
        raise DiskError(f"{path}: cannot be written: {error.strerror or error}") from error


def half_of(path: Path) -> Path:
    """Return the name of what is to become `path`, a file or a folder; `remove_halves` knows it by its process."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.{os.getpid()}.half")


def remove_halves(folder: Path) -> None:
    """Remove what processes that died have left half written in a folder."""
    for half in folder.glob(".*.half"):
        process = half.name.split(".")[-2]
        if process.isdecimal() and not process_exists(int(process)):
            if half.is_dir():
                shutil.rmtree(half, ignore_errors=True)
            else:
                half.unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    half = half_of(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_halves(path.parent)
    try:
        with half.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def process_exists(process: int) -> bool:
    """Say whether a process of this machine exists; True where that cannot be told."""
    if os.name != "posix" or process < 1:
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
