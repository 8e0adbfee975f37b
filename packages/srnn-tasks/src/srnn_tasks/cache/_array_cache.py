"""Arrays that take minutes to compute, kept in files and mapped into memory: those of `SRNN_CACHE`.

A file is complete or absent, also while several processes want it at once: the first one writes it, the others wait for
it where the file system has locks, and write it as well where it has none. Every file may be deleted at any time.
"""

import importlib
import math
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..contract import TaskError


def cache_folder() -> Path:
    """Return the folder that the environment variable SRNN_CACHE names, or else `srnn` in the user's cache folder."""
    named = os.environ.get("SRNN_CACHE")
    return (Path(named) if named else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "srnn").expanduser()


def cached_array(name: str, shape: tuple[int, ...], parts: Callable[[], Iterable[Tensor]]) -> Tensor:
    """Return the float16 tensor of the file `name`, mapped into memory; changes to it do not reach the file.

    If the file is absent or broken, it is written first.

    name: of the file in the cache folder, without a suffix; it must determine the contents.
    parts: called if the file has to be written; the consecutive parts of the tensor along its first dimension, of any
    float dtype, on the CPU.

    Raises a TaskError if the file cannot be written.
    """
    path = cache_folder() / f"{name}.npy"
    found = _mapped(path, shape)
    if found is not None:
        return found
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path):
            found = _mapped(path, shape)  # another process may have written it in the meantime
            if found is None:
                _write(path, shape, parts())
    except OSError as error:
        raise TaskError(
            f"SRNN_CACHE: {path} ({2 * math.prod(shape) / 1e9:.2g} GB) cannot be written: {error.strerror or error}. "
            "Set the environment variable SRNN_CACHE to a folder with enough space"
        ) from error
    found = _mapped(path, shape) if found is None else found
    if found is None:
        raise TaskError(f"SRNN_CACHE: {path} was written, and another process has removed or replaced it")
    return found


def _mapped(path: Path, shape: tuple[int, ...]) -> Tensor | None:
    """Return the tensor of a file, or None if the file is absent, cut off, or of another shape."""
    try:
        array = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return torch.from_numpy(array) if array.shape == shape and array.dtype == np.float16 else None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait until no other process writes the file, and remove what one that was killed has left of it."""
    try:
        fcntl = importlib.import_module("fcntl")
    except ImportError:  # not on Windows
        yield
        return
    with path.with_name(f".{path.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # a file system without locks
            yield
            return
        for partial in path.parent.glob(f".{path.name}.*.half"):
            partial.unlink(missing_ok=True)
        yield


def _write(path: Path, shape: tuple[int, ...], parts: Iterable[Tensor]) -> None:
    """Write the file under another name, then rename it."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.half")
    try:
        with partial.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False, "shape": shape})
            for part in parts:
                file.write(part.to(torch.float16).contiguous().numpy().data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
