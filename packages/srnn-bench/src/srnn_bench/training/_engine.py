"""Engines: what takes the training steps of one or more runs, and what all engines share."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from srnn_tasks import Batch

from ..experiment import Training
from ._parts import Parts
from ._streams import stream

EMBEDDING = "embedding"  # marks the optimizer's group of embeddings

FIELDS = ("inputs", "targets", "weight", "start", "reset")  # tensors of a batch that a model or a loss reads


class Engine(Protocol):
    """Takes the training steps of S runs that advance together."""

    def begin(self, number: int) -> None:
        """Begin stage `number`: a new optimizer, the stage's own stream of batches, no hidden state."""

    def step(self) -> Tensor:
        """Take one step of every run; return loss and weighted penalty (S, 2), on the device."""

    def masks_changed(self) -> None:
        """Account for masks that have changed since the last step."""

    @property
    def learning_rate(self) -> float:
        """Current learning rate of the networks, or of the embeddings if nothing else trains."""

    def scale_learning_rates(self, network: float, embedding: float) -> None:
        """Multiply the learning rates of networks and embeddings by these factors."""

    def state_dict(self) -> dict[str, Any]:
        """Return everything that changes from step to step, except models and sources."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore, in a stage that has just begun, what `state_dict` returned."""


class HasOptimizer:
    """Base class of the engines: the learning rates of the optimizer of the current stage."""

    optimizer: torch.optim.Optimizer

    @property
    def learning_rate(self) -> float:
        """Current learning rate of the networks, or of the embeddings if nothing else trains."""
        return float(self.optimizer.param_groups[0]["lr"])

    def scale_learning_rates(self, network: float, embedding: float) -> None:
        """Multiply the learning rates of networks and embeddings by these factors."""
        for group in self.optimizer.param_groups:
            group["lr"] *= embedding if group.get(EMBEDDING) else network


class Batches:
    """The stream of training batches of one stage of a run.

    The source keeps its own position; the generator that it draws from is kept here.
    """

    def __init__(self, parts: Parts, number: int, device: torch.device) -> None:
        plan = parts.plans[number]
        self.source, self.size = parts.source_of(number), plan.stage.training.batch_size
        self.generator = stream(parts.seed, "batches", plan.stage.name, device=device)
        self.draws = self._iterator()

    def __next__(self) -> Batch:
        return next(self.draws)

    def resume(self, generator: Tensor) -> None:
        """Continue with a generator in this state, from the current position of the source."""
        self.generator.set_state(generator)
        self.draws = self._iterator()

    def _iterator(self) -> Iterator[Batch]:
        return self.source.batches(self.size, generator=self.generator)


def trainable(parameters: Mapping[str, nn.Parameter], names: Collection[str]) -> list[nn.Parameter]:
    """Return the parameters with these names; set `requires_grad` for them and clear it for all others."""
    for name, parameter in parameters.items():
        parameter.requires_grad_(name in names)
    return [parameter for name, parameter in parameters.items() if name in names]


def optimizer(training: Training, network: list[nn.Parameter], embeddings: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimizer of a stage: a group for the network, then a group for the trained embeddings, if any."""
    groups: list[dict[str, Any]] = [{"params": network}] if network else []
    if embeddings:
        rate = training.embedding_learning_rate or training.learning_rate
        groups.append({"params": embeddings, "lr": rate, "weight_decay": 0.0, EMBEDDING: True})
    return training.optimizer.build(groups, training.learning_rate)


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
