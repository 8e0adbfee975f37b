"""Whether a data set is there, without reading it: files under `SRNN_DATA`, or the cache of Hugging Face `datasets`."""

import os
from collections.abc import Sequence
from pathlib import Path

from ._data_files import find_files
from .contract import DataSet


def search(title: str, subfolder: str, files: Sequence[str], dataset: str) -> DataSet:
    """Return the data set and where it is: in `files` (see `find_files`), or as `dataset` in the cache of `datasets`.

    The cache is recognised by its folder; whether its contents are whole shows when the task is opened.
    """
    paths, searched = find_files(subfolder, files)
    if len(paths) == len(files):
        return DataSet(title=title, place=str(next(iter(paths.values())).parent), searched=searched)
    cache = _cache() / dataset.replace("/", "___").lower()
    for folder in (cache, cache.with_name(dataset.replace("/", "___"))):
        if folder.is_dir() and any(folder.iterdir()):
            return DataSet(title=title, place=f"the cache of Hugging Face datasets, {folder}", searched=searched)
    return DataSet(title=title, place=None, searched=f"{searched}; not in {_cache()}, the cache of Hugging Face")


def _cache() -> Path:
    """Return the folder in which `datasets` keeps what it has downloaded."""
    home = Path(os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface")
    return Path(os.environ.get("HF_DATASETS_CACHE") or home / "datasets").expanduser()
