"""Any data set of Minari with flat Box spaces as an imitation task."""

from typing import Annotated, Literal

import torch
from pydantic import Field, PositiveInt

from ..contract import DataSet, check_generator
from ._episodes import load, read, search
from ._imitation import Imitation, ImitationSource


class Minari(Imitation):
    """Imitation of the episodes of a Minari data set. Requires the extra `srnn-tasks[robotics]`.

    Observations and actions are Boxes of one dimension; others are refused. The metric is `mse`. The
    other fields are those of `Imitation`.

    dataset: id of the data set, such as `D4RL/door/human-v2`, in the folder of Minari's data sets on this machine
    (`MINARI_DATASETS_PATH`, by default `~/.minari/datasets`). Nothing is downloaded: `minari download` does that.
    episodes: number of episodes to read, from the first one; None for all.

    >>> Minari(dataset="D4RL/door/human-v2").sizes(25)
    {'train': 23, 'validation': 1, 'test': 1}
    """

    kind: Literal["minari"] = "minari"
    dataset: Annotated[str, Field(pattern=r"^([\w-]+/)*[\w-]+-v\d+$")] = "D4RL/hammer/expert-v2"
    episodes: PositiveInt | None = None

    def open(self, *, device: torch.device | str, generator: torch.Generator) -> ImitationSource:
        """Return the source. Reads the data set and copies all episodes to `device`; draws nothing."""
        check_generator(generator, device)
        data = load(self.dataset, user="Minari", remedy=download(self.dataset))
        return ImitationSource(self, read(data, self.episodes, user="Minari"), device=device)

    def data_set(self) -> DataSet:
        """Return whether the data set is in the folder of Minari."""
        return search(self.dataset, self.dataset)


def download(dataset: str) -> str:
    """Return how a data set is fetched, for messages."""
    return f"To download it: pip install 'minari[hf]', then minari download {dataset}"
