"""The episodes of a Minari data set as tensors: observations and actions of equal length, padded at the end."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..contract import DataSet, TaskError
from ._packages import minari_of


@dataclass(frozen=True, eq=False)
class Episodes:
    """E episodes of at most T steps.

    observations: `(T, E, I)` float32, what was observed before each action; the observation after the last action is
    left out. actions: `(T, E, O)` float32. lengths: `(E,)` int64 steps of each episode; later entries are 0.
    """

    observations: Tensor
    actions: Tensor
    lengths: Tensor

    @property
    def count(self) -> int:
        """E, the number of episodes."""
        return len(self.lengths)


def datasets_folder() -> Path:
    """Return the folder of Minari's data sets: `MINARI_DATASETS_PATH`, or `~/.minari/datasets`."""
    return Path(os.environ.get("MINARI_DATASETS_PATH") or Path.home() / ".minari" / "datasets")


def search(title: str, dataset: str) -> DataSet:
    """Return the data set with this id and whether it is in Minari's folder, without reading it."""
    folder = datasets_folder() / dataset
    place = str(folder) if (folder / "data").is_dir() else None
    return DataSet(title=title, place=place, searched=f"{folder}, set by MINARI_DATASETS_PATH")


def load(dataset: str, *, user: str, remedy: str) -> Any:
    """Return the data set that Minari has on this machine; nothing is downloaded.

    Raises a TaskError that names the folder and the `remedy` if it is not there, or if it cannot be read.
    """
    minari = minari_of(user)
    if search(dataset, dataset).place is None:
        raise TaskError(
            f"{user}: expected the data set {dataset!r} in {datasets_folder()}, the folder of Minari's data sets "
            f"(MINARI_DATASETS_PATH); it is not there. {remedy}"
        )
    try:
        return minari.load_dataset(dataset)
    except Exception as error:
        raise TaskError(f"{user}: data set {dataset!r} cannot be read: {type(error).__name__}: {error}") from error


def read(data: Any, count: int | None, *, user: str) -> Episodes:
    """Return the first `count` episodes of a data set of Minari, or all of them.

    Raises a TaskError if its spaces are not Boxes of one dimension, or it has fewer episodes.
    """
    name = data.spec.dataset_id
    for space in ("observation_space", "action_space"):
        found = getattr(data.spec, space)
        if type(found).__name__ != "Box" or len(found.shape) != 1:
            raise TaskError(f"{user}: expected the {space} of {name!r} to be a Box of one dimension; got {found}")
    if count is not None and data.total_episodes < count:
        raise TaskError(
            f"{user}: expected at least episodes = {count} in data set {name!r}; it has {data.total_episodes}"
        )
    chosen = data.episode_indices if count is None else data.episode_indices[:count]
    parts = [
        (np.asarray(episode.observations[:-1], np.float32), np.asarray(episode.actions, np.float32))
        for episode in data.iterate_episodes(chosen)
    ]
    lengths = torch.tensor([len(actions) for _, actions in parts], dtype=torch.int64, device="cpu")
    return Episodes(_padded(each for each, _ in parts), _padded(each for _, each in parts), lengths)


def _padded(arrays: Iterable[np.ndarray]) -> Tensor:
    """Return arrays `(T_e, width)` as one tensor `(T, E, width)`, filled with 0."""
    held = list(arrays)
    stacked = np.zeros((max(map(len, held)), len(held), held[0].shape[1]), np.float32)
    for number, array in enumerate(held):
        stacked[: len(array), number] = array
    return torch.from_numpy(stacked)
