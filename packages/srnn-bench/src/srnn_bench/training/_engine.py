"""One training step of one network: batch, outputs, loss, step; masks hold by themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from srnn_tasks import Batch

from ..experiment import Training
from ._parts import Parts
from ._streams import stream

EMBEDDING = "embedding"  # marks the group of the embeddings in an optimizer


class Engine(Protocol):
    """What takes the training steps of one or more runs that advance together; S runs."""

    def begin(self, number: int) -> None:
        """Begin a stage: a new optimizer, the stage's own stream of batches, no hidden state."""

    def step(self) -> Tensor:
        """Take one step of every run; return loss and weighted penalty `(S, 2)`, on the device."""

    def pruned(self) -> None:
        """Take over masks that have changed since the last step."""

    @property
    def learning_rate(self) -> float:
        """The learning rate of the networks now, or of the embeddings where nothing else trains."""

    def slow(self, network: float, embedding: float) -> None:
        """Multiply the learning rates of networks and embeddings."""

    def state_dict(self) -> dict[str, Any]:
        """Return all that changes from step to step, but models and sources."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on, in a stage that was just begun, from what `state_dict` gave."""


class Batches:
    """The stream of training batches of a run's stage, which can be taken up where it stood.

    The source keeps its own position; here is the generator that it draws from.
    """

    def __init__(self, parts: Parts, number: int, device: torch.device) -> None:
        plan = parts.plans[number]
        self.parts, self.number, self.size = parts, number, plan.stage.training.batch_size
        self.generator = stream(parts.seed, "batches", plan.stage.name, device=device)
        self.draws = self._iterator()

    def __next__(self) -> Batch:
        return next(self.draws)

    def resume(self, generator: Tensor) -> None:
        """Go on with a generator in that state, from where the source stands."""
        self.generator.set_state(generator)
        self.draws = self._iterator()

    def _iterator(self) -> Iterator[Batch]:
        return self.parts.source_of(self.number).batches(self.size, generator=self.generator)


def select(parameters: Mapping[str, nn.Parameter], names: Collection[str]) -> list[nn.Parameter]:
    """Return the parameters of these names; they want gradients from now on, all others none."""
    for name, parameter in parameters.items():
        parameter.requires_grad_(name in names)
    return [parameter for name, parameter in parameters.items() if name in names]


def optimizer(training: Training, network: list[nn.Parameter], embeddings: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimizer of a stage: the network's group, then that of the embeddings where some are trained."""
    groups: list[dict[str, Any]] = [{"params": network}] if network else []
    if embeddings:
        rate = training.embedding_learning_rate or training.learning_rate
        groups.append({"params": embeddings, "lr": rate, "weight_decay": 0.0, EMBEDDING: True})
    return training.optimizer.build(groups, training.learning_rate)


def slow(optimizer: torch.optim.Optimizer, network: float, embedding: float) -> None:
    """Multiply the learning rates of the groups of network and embeddings."""
    for group in optimizer.param_groups:
        group["lr"] *= embedding if group.get(EMBEDDING) else network


def to_device(state: Any, device: torch.device) -> Any:
    """Return a nest of tensors on the device."""
    if isinstance(state, Tensor):
        return state.to(device)
    if isinstance(state, tuple):
        parts = [to_device(part, device) for part in state]
        return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)
    if isinstance(state, list):
        return [to_device(part, device) for part in state]
    return {name: to_device(part, device) for name, part in state.items()} if isinstance(state, dict) else state


FIELDS = ("inputs", "targets", "weight", "start", "reset")
