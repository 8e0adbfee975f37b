"""Where the files of a data set come from: folders under `SRNN_DATA`, else Hugging Face `datasets`, else an error."""

import gzip
import importlib
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

Found = TypeVar("Found")


def find_files(subfolder: str, names: Sequence[str]) -> tuple[dict[str, Path], str]:
    """Return the files that are there by their names, and words that say where they were looked for.

    The folders are `SRNN_DATA/subfolder` and `SRNN_DATA`; a file may be gzipped, then its name has `.gz` at the end.
    """
    root = os.environ.get("SRNN_DATA")
    if not root:
        return {}, "the environment variable SRNN_DATA is not set"
    folders = [Path(root) / subfolder, Path(root)]
    found = {}
    for name in names:
        candidates = [folder / (name + suffix) for folder in folders for suffix in (".gz", "")]
        path = next((path for path in candidates if path.is_file()), None)
        if path is not None:
            found[name] = path
    looked = f"SRNN_DATA = {root}, in {folders[0]} and {folders[1]}"
    missing = [name for name in names if name not in found]
    if missing:
        looked += f": no {', '.join(missing)} (raw, or .gz)"
    return found, looked


def read_bytes(path: Path) -> bytes:
    """Return what a file holds, unpacked if its name ends in `.gz`; a ValueError names a file that cannot be read."""
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error


def from_datasets(
    title: str, arguments: Sequence[str], convert: Callable[[Any], Found], *, looked: str, files: str
) -> Found:
    """Return `convert(datasets.load_dataset(*arguments))`.

    A ValueError says that the data were not found: what was `looked` for before, why this way failed, and the `files`
    that one may give instead.
    """
    call = f"datasets.load_dataset({', '.join(map(repr, arguments))})"
    advice = f"Either set SRNN_DATA to a folder with {files}, or install srnn-tasks[datasets] and allow it to download."
    try:
        datasets = importlib.import_module("datasets")
    except ImportError as error:
        raise ValueError(
            f"{title} was not found. Looked at: {looked}; the package datasets: {error}. {advice}"
        ) from error
    try:
        return convert(datasets.load_dataset(*arguments))
    except Exception as error:
        raise ValueError(
            f"{title} was not found. Looked at: {looked}; {call}: {type(error).__name__}: {error}. {advice}"
        ) from error
