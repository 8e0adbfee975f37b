"""Locating the files of a data set: folders under `SRNN_DATA`, then Hugging Face `datasets`, else an error."""

import gzip
import importlib
import os
import zlib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

from ._reach import cache_only, unreachable
from .contract import TaskError

T = TypeVar("T")
GZIP = b"\x1f\x8b"  # the first two bytes of a gzipped file


def find_files(subfolder: str, names: Sequence[str]) -> tuple[dict[str, Path], str]:
    """Return the files that exist, by name, and a description of where they were searched, for error messages.

    The folders are `SRNN_DATA/subfolder` and `SRNN_DATA`. A gzipped file has the suffix `.gz` after its name.
    """
    root = os.environ.get("SRNN_DATA")
    if not root:
        return {}, "the environment variable SRNN_DATA is not set"
    folders = [Path(root) / subfolder, Path(root)]
    paths = {}
    for name in names:
        candidates = [folder / (name + suffix) for folder in folders for suffix in (".gz", "")]
        path = next((path for path in candidates if path.is_file()), None)
        if path is not None:
            paths[name] = path
    searched = f"SRNN_DATA = {root}, in {folders[0]} and {folders[1]}"
    missing = [name for name in names if name not in paths]
    if missing:
        searched += f": no {', '.join(missing)} (raw, or .gz)"
    return paths, searched


def subfolders() -> list[str]:
    """Return the names of the subfolders of `SRNN_DATA`, sorted."""
    root = os.environ.get("SRNN_DATA")
    return sorted(path.name for path in Path(root).iterdir() if path.is_dir()) if root and Path(root).is_dir() else []


def read_bytes(path: Path) -> bytes:
    """Return the contents of a file, decompressed if it is gzipped, whatever its name.

    Raises a TaskError that names the file if it cannot be read or is empty.
    """
    try:
        data = path.read_bytes()
        if data.startswith(GZIP) or (data and path.suffix == ".gz"):
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise TaskError(f"{path}: cannot be read: {error}") from error
    if not data:
        raise TaskError(f"{path}: cannot be read: it is empty")
    return data


def from_datasets(title: str, arguments: Sequence[str], convert: Callable[[Any], T], *, searched: str, files: str) -> T:
    """Return `convert(datasets.load_dataset(*arguments))`.

    Where Hugging Face does not answer, only its cache is read. Raises a TaskError if this fails. Its message states
    what was `searched` before, why the call failed, and which `files` the user may provide instead.
    """
    call = f"datasets.load_dataset({', '.join(map(repr, arguments))})"
    advice = f"Either set SRNN_DATA to a folder with {files}, or install srnn-tasks[datasets] and allow it to download."
    try:
        datasets = importlib.import_module("datasets")
    except ImportError as error:
        raise TaskError(
            f"{title} was not found. Searched: {searched}; the package datasets: {error}. {advice}"
        ) from error
    offline = unreachable(datasets)
    try:
        with cache_only(datasets) if offline else nullcontext():
            return convert(datasets.load_dataset(*arguments))
    except Exception as error:
        why = offline if offline and isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        raise TaskError(f"{title} was not found. Searched: {searched}; {call}: {why}. {advice}") from error
