"""Imitation of episodes: predict the action of each step from the observations so far."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from .._passes import Passes
from ..contract import BaseSource, Batch, Metric, Split, Task, TaskError, TaskSpec
from ._episodes import Episodes

Share = Annotated[float, Field(gt=0, lt=1)]


class Imitation(Task):
    """Base class of the imitation tasks: how episodes are split and scaled.

    Inputs `(T, B, I)` are observations, targets `(T, B, O)` the actions that followed; the loss is the squared error,
    the mean over all steps, episodes and dimensions. A shorter episode is padded, with weight 0. `info` contains
    `episode` `(B,)`, the number of each episode in the data set.

    scaling: `raw` observations, or `standard`: minus their mean over the training episodes, divided by their standard
    deviation.
    validation, test: shares of the episodes in these splits, at least one episode each. The others are for training.
    train: the number of training episodes, or None for all that are left.
    split_seed: seed of the permutation that splits the episodes, the same on every device. The training episodes of a
    small `train` are the first of those of a large one.
    """

    scaling: Literal["raw", "standard"] = "raw"
    validation: Share = 0.05
    test: Share = 0.05
    train: PositiveInt | None = None
    split_seed: Annotated[int, Field(ge=0, lt=2**63)] = 0

    def sizes(self, episodes: int) -> dict[str, int]:
        """Return how many of a number of episodes are in each split.

        Raises a TaskError if there are fewer training episodes than `train`, or none.
        """
        held_out = {name: max(1, round(share * episodes)) for name, share in self.shares.items()}
        left = episodes - sum(held_out.values())
        if left < (self.train or 1):
            raise TaskError(
                f"train: expected at most the {max(left, 0)} of {episodes} episodes that validation and test leave; "
                f"got {self.train}"
            )
        return {"train": self.train or left, **held_out}

    @property
    def shares(self) -> dict[str, float]:
        """The shares of the held-out splits, by name."""
        return {"validation": self.validation, "test": self.test}


class ImitationSource(BaseSource):
    """Training episodes in shuffled passes; each occurs once per pass."""

    evaluation_size = 50

    def __init__(
        self, task: Imitation, episodes: Episodes, *, device: torch.device | str, metrics: tuple[Metric, ...] = ()
    ) -> None:
        spec = TaskSpec(
            inputs=episodes.observations.shape[-1],
            outputs=episodes.actions.shape[-1],
            loss="mean_squared_error",
            metrics=(Metric(name="mse", better="lower"), *metrics),
        )
        super().__init__(spec, device=device)
        sizes = task.sizes(episodes.count)
        order = torch.randperm(
            episodes.count, generator=torch.Generator("cpu").manual_seed(task.split_seed), device="cpu"
        )
        held_out = sizes["validation"] + sizes["test"]
        self._index = {  # numbers of the episodes
            "validation": order[: sizes["validation"]].to(self.device),
            "test": order[sizes["validation"] : held_out].to(self.device),
            "train": order[held_out : held_out + sizes["train"]].to(self.device),
        }
        self._lengths = episodes.lengths.to(self.device)  # (E,)
        self._shift, self._scale = _moments(task, episodes, self._index["train"].cpu())  # (I,)
        self._shift, self._scale = self._shift.to(self.device), self._scale.to(self.device)
        self._observations = episodes.observations.to(self.device)  # (T, E, I)
        self._actions = episodes.actions.to(self.device)  # (T, E, O)
        self._equal = bool((episodes.lengths == len(episodes.actions)).all())
        self._passes = Passes(sizes["train"], device=self.device)

    def scaled(self, observations: Tensor) -> Tensor:
        """Return observations `(..., I)` as the inputs of a model."""
        return (observations - self._shift) / self._scale

    def epoch_batches(self, size: int) -> int:
        """Return the number of batches that contain one pass over the training episodes."""
        return self._passes.batches(size)

    def draw(self, size: int, *, generator: torch.Generator) -> Batch:
        """Return the next `size` training episodes."""
        return self._batch(self._index["train"][self._passes.take(size, generator=generator)])

    def held_out(self, split: Split, *, generator: torch.Generator) -> Iterator[Batch]:
        """Yield every episode of a split, in a fixed order."""
        index = self._index[split]
        for first in range(0, len(index), self.evaluation_size):
            yield self._batch(index[first : first + self.evaluation_size])

    def measure(self, outputs: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return the loss."""
        return {"mse": self.loss(outputs, batch)}

    def state_dict(self) -> dict[str, Any]:
        """Return the training episodes that remain in the current pass, in their order."""
        return self._passes.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume the pass that `state_dict` returned."""
        self._passes.load_state_dict(state)

    def _batch(self, index: Tensor) -> Batch:
        weight = None
        if not self._equal:
            steps = torch.arange(len(self._actions), device=self.device)  # (T,)
            weight = (steps[:, None] < self._lengths[index]).to(torch.float32)  # (T, B)
        inputs = self.scaled(self._observations[:, index])  # (T, B, I)
        if weight is not None:
            inputs = inputs * weight[..., None]  # 0 after the end of an episode, also where the scale moves 0
        return Batch(inputs=inputs, targets=self._actions[:, index], weight=weight, info={"episode": index})


def _moments(task: Imitation, episodes: Episodes, train: Tensor) -> tuple[Tensor, Tensor]:
    """Return what is subtracted from observations and what they are divided by, `(I,)` each."""
    if task.scaling == "raw":
        zeros = torch.zeros(episodes.observations.shape[-1], dtype=torch.float32, device="cpu")
        return zeros, torch.ones_like(zeros)
    present = torch.arange(len(episodes.actions), device="cpu")[:, None] < episodes.lengths[train]  # (T, E)
    seen = episodes.observations[:, train][present].double()  # (steps, I)
    sd = seen.std(0, correction=0)
    return seen.mean(0).float(), sd.masked_fill(sd < 1e-6, 1).float()  # a constant observation becomes 0
