"""Checkpoints of runs in progress: files that carry their checksum, and the policy of when to write them.

A file is called `<number>-<sha256 of its content>.safetensors`. It is written atomically, and the one before it is
kept.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._files import write_atomically
from ..experiment import Environment
from ._packed import pack, unpack


class Checkpoints:
    """Checkpoints of one run, or of runs that advance together, in a folder of their own.

    Args:
        folder: The folder.
        identity: Plain data that determines the run and its bits; checkpoints with another identity are ignored.
        every: Seconds between two checkpoints.
        on_note: Receives a message for each checkpoint that is ignored or set aside.
    """

    def __init__(
        self, folder: Path, identity: Any, *, every: float = 60.0, on_note: Callable[[str], None] = lambda text: None
    ) -> None:
        self.folder, self.identity, self.every, self.on_note = folder, identity, every, on_note
        self._written = time.monotonic()

    def due(self) -> bool:
        """Return whether the next checkpoint is due."""
        return time.monotonic() - self._written >= self.every

    def write(self, state: Any) -> None:
        """Write a checkpoint, and remove all but the one before it. Raises `DiskError`."""
        data = pack({"identity": self.identity, "state": state})
        paths = self._files()
        number = 1 + max((_number(path) for path in paths), default=0)
        write_atomically(self.folder / f"{number:08d}-{hashlib.sha256(data).hexdigest()}.safetensors", data)
        for path in paths[:-1]:
            path.unlink(missing_ok=True)
        self._written = time.monotonic()

    def read(self) -> Any | None:
        """Return the newest intact state of this identity, or None; set damaged files aside."""
        for path in reversed(self._files()):
            try:
                data = path.read_bytes()
                if hashlib.sha256(data).hexdigest() != path.stem.partition("-")[2]:
                    raise ValueError("its checksum does not match its content")
                content = unpack(data)
                identity, state = content["identity"], content["state"]
            except (OSError, ValueError, KeyError, TypeError) as error:
                with suppress(FileNotFoundError):  # another process, which presumed this one dead, has removed it
                    path.replace(path.with_suffix(".damaged"))
                    self.on_note(f"checkpoint {path}: set aside as damaged ({error})")
                continue
            if identity == self.identity:
                return state
            self.on_note(f"checkpoint {path}: ignored, it was written under other conditions")
        return None

    def _files(self) -> list[Path]:
        """Return the files in the order in which they were written."""
        return sorted((path for path in self.folder.glob("*-*.safetensors") if _number(path)), key=_number)


def _number(path: Path) -> int:
    """Return the number of a checkpoint file, 0 for any other file."""
    text = path.name.partition("-")[0]
    return int(text) if text.isascii() and text.isdigit() else 0


@dataclass(frozen=True)
class CheckpointPolicy:
    """What a run writes to disk while it trains, and whether it returns its weights.

    Args:
        checkpoints: Folder of the checkpoints, in which each run has its own folder; None for no checkpoints.
        every: Seconds between two checkpoints.
        weights: Whether to return the weights and masks at the end of each stage.
    """

    checkpoints: Path | None = None
    every: float = 60.0
    weights: bool = False

    def folder(self, keys: Sequence[str]) -> Path | None:
        """Return the folder of the checkpoints of runs that advance together, given their keys."""
        if self.checkpoints is None:
            return None
        name = keys[0] if len(keys) == 1 else hashlib.sha256(" ".join(keys).encode()).hexdigest()[:20]
        return self.checkpoints / name

    def open(self, keys: Sequence[str], environment: Environment, on_note: Callable[[str], None]) -> Checkpoints | None:
        """Return the checkpoints of these runs in this environment, or None if none are to be written."""
        folder = self.folder(keys)
        if folder is None:
            return None
        identity = {
            "keys": list(keys),
            "environment": environment.model_dump(exclude={"commit", "processor"}),
            "weights": self.weights,
        }
        return Checkpoints(folder, identity, every=self.every, on_note=on_note)

    def remove(self, keys: Sequence[str]) -> None:
        """Remove the checkpoints of these runs, if there are any."""
        folder = self.folder(keys)
        if folder is not None and folder.exists():
            shutil.rmtree(folder, ignore_errors=True)

    def remove_all(self) -> None:
        """Remove all checkpoints, including those of runs that were stacked differently."""
        if self.checkpoints is not None:
            shutil.rmtree(self.checkpoints, ignore_errors=True)
