"""Checkpoints of a run under way: nests of tensors and plain data in safetensors files that carry their checksum.

A file is called `<number>-<sha256 of its content>.safetensors`. It is written whole or not at all, the one before it
stays, and nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from .._files import write_whole
from ..experiment import Environment

FORMAT = "srnn-checkpoint/1"

# those that safetensors gives back; complex ones are held as pairs of real ones
DTYPES = {torch.bool, torch.float16, torch.bfloat16, torch.float32, torch.float64} | {
    *(torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.uint8, torch.uint16, torch.uint32, torch.uint64),
}


class Checkpoints:
    """The checkpoints of one run, or of runs that advance together, in a folder of their own.

    `identity` is plain data that says what the run is and how it is made; a checkpoint of another identity is not
    taken up. `every` is the time between two checkpoints in seconds; `on_note` receives a message
    for each checkpoint that had to be set aside.
    """

    def __init__(
        self, folder: Path, identity: Any, *, every: float = 60.0, on_note: Callable[[str], None] = lambda text: None
    ) -> None:
        self.folder, self.identity, self.every, self.on_note = folder, identity, every, on_note
        self._written = time.monotonic()

    def due(self) -> bool:
        """Say whether it is time for the next one."""
        return time.monotonic() - self._written >= self.every

    def write(self, state: Any) -> None:
        """Write a checkpoint, and remove all but the one before it. Raises DiskError."""
        data = pack({"identity": self.identity, "state": state})
        held = self._files()
        number = 1 + max((_number(path) for path in held), default=0)
        write_whole(self.folder / f"{number:08d}-{hashlib.sha256(data).hexdigest()}.safetensors", data)
        for path in held[:-1]:
            path.unlink(missing_ok=True)
        self._written = time.monotonic()

    def read(self) -> Any | None:
        """Return the newest state that is whole and of this identity, or None; set aside what is damaged."""
        for path in reversed(self._files()):
            try:
                data = path.read_bytes()
                if hashlib.sha256(data).hexdigest() != path.stem.partition("-")[2]:
                    raise ValueError("its checksum does not fit its content")
                found = unpack(data)
                identity, state = found["identity"], found["state"]
            except (OSError, ValueError, KeyError, TypeError) as error:
                with suppress(FileNotFoundError):  # one that thought that we were dead has removed it
                    path.replace(path.with_suffix(".damaged"))
                    self.on_note(f"checkpoint {path}: set aside as damaged ({error})")
                continue
            if identity == self.identity:
                return state
            self.on_note(f"checkpoint {path}: not taken up, it was made under other conditions")
        return None

    def _files(self) -> list[Path]:
        """Return the files in the order in which they were written."""
        return sorted((path for path in self.folder.glob("*-*.safetensors") if _number(path)), key=_number)


def _number(path: Path) -> int:
    """Return the number of a checkpoint file, 0 for a file that is none."""
    text = path.name.partition("-")[0]
    return int(text) if text.isascii() and text.isdigit() else 0


def pack(nest: Any) -> bytes:
    """Return a nest of dicts, lists, tuples, tensors, numbers, texts and None as the bytes of a safetensors file.

    Tensors come back on the CPU, all else as it was. Anything else is a ValueError that names its type.
    """
    tensors: dict[str, Tensor] = {}
    plain = _plain(nest, tensors)
    # safetensors files begin with a JSON header; the nest without its tensors is a text in it
    return save(tensors, metadata={FORMAT: json.dumps(plain)})


def unpack(data: bytes) -> Any:
    """Return the nest of `pack`. Raises ValueError for anything but its bytes."""
    try:
        tensors = load(data)
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
        if FORMAT not in metadata:
            raise ValueError(f"expected a file of format {FORMAT!r}, got one that holds {sorted(metadata)}")
        return _nest(json.loads(metadata[FORMAT]), tensors)
    except (SafetensorError, KeyError, TypeError, AttributeError, IndexError, RuntimeError) as error:
        raise ValueError(f"expected a checkpoint, got {type(error).__name__}: {error}") from error


def _plain(nest: Any, tensors: dict[str, Tensor]) -> Any:
    """Return a nest as JSON data: what JSON cannot tell apart stands as [kind, content]; tensors go to `tensors`."""
    if isinstance(nest, Tensor):
        if nest.is_complex() and nest.layout is torch.strided:
            return ["complex", _plain(torch.view_as_real(nest.detach().resolve_conj()), tensors)]
        if nest.dtype not in DTYPES or nest.layout is not torch.strided or nest.is_meta:
            raise ValueError(f"checkpoint: expected dense tensors of a usual dtype, got {nest.layout}, {nest.dtype}")
        name = str(len(tensors))
        # a copy of its own: safetensors refuses tensors that share memory
        tensors[name] = nest.detach().to("cpu", copy=True).contiguous()
        return ["tensor", name]
    if isinstance(nest, dict):
        return ["dict", [[_plain(key, tensors), _plain(value, tensors)] for key, value in nest.items()]]
    if isinstance(nest, tuple) and not hasattr(nest, "_fields"):
        return ["tuple", [_plain(part, tensors) for part in nest]]
    if isinstance(nest, list):
        return ["list", [_plain(part, tensors) for part in nest]]
    if isinstance(nest, float) and not math.isfinite(nest):
        return ["float", repr(nest)]
    if nest is None or isinstance(nest, bool | int | float | str):
        return nest
    raise ValueError(f"checkpoint: expected tensors and plain data, got {type(nest).__name__}")


def _nest(plain: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(plain, dict):
        raise ValueError(f"expected a checkpoint, got the object {sorted(plain)}")
    if not isinstance(plain, list):
        return plain
    kind, content = plain
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {_nest(key, tensors): _nest(value, tensors) for key, value in content}
    if kind == "complex":
        return torch.view_as_complex(_nest(content, tensors))
    if kind == "float":
        return float(content)
    if kind in ("tuple", "list"):
        parts = [_nest(part, tensors) for part in content]
        return tuple(parts) if kind == "tuple" else parts
    raise ValueError(f"expected a checkpoint, got a part of kind {kind!r}")


@dataclass(frozen=True)
class CheckpointPolicy:
    """What a run keeps on the disk while it goes on, and hands back at its end.

    `checkpoints`: a folder of checkpoints, of which each run has its own part; None for none. `every`: seconds
    between two. `weights`: whether to hand back the weights and masks at the end of each stage.
    """

    checkpoints: Path | None = None
    every: float = 60.0
    weights: bool = False

    def folder(self, keys: Sequence[str]) -> Path | None:
        """Return the folder of the checkpoints of these runs, that advance together."""
        if self.checkpoints is None:
            return None
        name = keys[0] if len(keys) == 1 else hashlib.sha256(" ".join(keys).encode()).hexdigest()[:20]
        return self.checkpoints / name

    def open(self, keys: Sequence[str], environment: Environment, on_note: Callable[[str], None]) -> Checkpoints | None:
        """Return the checkpoints of these runs in this environment, None if none are to be written."""
        folder = self.folder(keys)
        if folder is None:
            return None
        identity = {
            "keys": list(keys),
            "environment": environment.model_dump(exclude={"commit"}),
            "weights": self.weights,
        }
        return Checkpoints(folder, identity, every=self.every, on_note=on_note)

    def remove(self, keys: Sequence[str]) -> None:
        """Remove the checkpoints of these runs, if there are any."""
        folder = self.folder(keys)
        if folder is not None and folder.exists():
            shutil.rmtree(folder, ignore_errors=True)

    def remove_all(self) -> None:
        """Remove all checkpoints, also those of runs that were stacked in another way."""
        if self.checkpoints is not None:
            shutil.rmtree(self.checkpoints, ignore_errors=True)
