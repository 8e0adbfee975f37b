"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import uuid
from pathlib import Path


class DiskError(ValueError):
    """A file cannot be written, as on a full disk: nothing can go on, and what was there before is intact."""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all, also when the process or the machine dies meanwhile.

    Raises DiskError, which names the file.
    """
    half = path.with_name(f".{path.name}.{uuid.uuid4().hex}.half")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with half.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)
    except OSError as error:
        raise DiskError(f"{path}: cannot be written: {error.strerror or error}") from error
