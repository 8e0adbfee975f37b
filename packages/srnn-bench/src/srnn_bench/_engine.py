"""One training step of one network: batch, outputs, loss, step; masks hold by themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from srnn_tasks import Batch, carried

from ._assemble import Parts, Plan
from ._streams import stream


class Engine(Protocol):
    """What takes the training steps of one or more runs that advance together; S runs."""

    def begin(self, number: int) -> None:
        """Begin a stage: a new optimizer, the stage's own stream of batches, no hidden state."""

    def step(self) -> Tensor:
        """Take one step of every run; return loss and weighted penalty `(S, 2)`, on the device."""

    def pruned(self) -> None:
        """Take over masks that have changed since the last step."""

    def state_dict(self) -> dict[str, Any]:
        """Return all that changes from step to step, but models and sources."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on, in a stage that was just begun, from what `state_dict` gave."""


class Batches:
    """The stream of training batches of a run's stage, which can be taken up where it stood.

    The source keeps its own position; here is the generator that it draws from.
    """

    def __init__(self, parts: Parts, plan: Plan, device: torch.device) -> None:
        self.parts, self.size = parts, plan.stage.training.batch_size
        self.generator = stream(parts.seed, "batches", plan.stage.name, device=device)
        self.draws = self._iterator()

    def __next__(self) -> Batch:
        return next(self.draws)

    def resume(self, generator: Tensor) -> None:
        """Go on with a generator in that state, from where the source stands."""
        self.generator.set_state(generator)
        self.draws = self._iterator()

    def _iterator(self) -> Iterator[Batch]:
        return self.parts.source.batches(self.size, generator=self.generator)


class Single:
    """The engine of one run; it carries the hidden state from batch to batch where the task asks for it."""

    def __init__(self, parts: Sequence[Parts], device: torch.device) -> None:
        (self.parts,) = parts
        self.device = device
        self.parameters = dict(self.parts.model.named_parameters())
        self.trained = [parameter for parameter in self.parameters.values() if parameter.requires_grad]

    def begin(self, number: int) -> None:
        """Begin a stage: a new optimizer, the stage's own stream of batches, no hidden state."""
        plan = self.parts.plans[number]
        training = plan.stage.training
        self.clip_norm = training.clip_norm
        self.optimizer = training.optimizer.build(self.trained, training.learning_rate)
        self.batches = Batches(self.parts, plan, self.device)
        self.state: Any = None

    def step(self) -> Tensor:
        """Take one step; return loss and weighted penalty `(1, 2)`, on the device."""
        batch, source = next(self.batches), self.parts.source
        state = carried(self.state, batch.reset) if source.spec.carry else None
        outputs, self.state = self.parts.model(batch.inputs, start=batch.start, state=state)
        loss, penalty = source.loss(outputs, batch), self.parts.penalties(self.parameters)
        self.optimizer.zero_grad(set_to_none=True)
        (loss + penalty).backward()
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.trained, self.clip_norm)
        self.optimizer.step()
        return torch.stack((loss.detach(), penalty.detach()))[None].double()

    def pruned(self) -> None:
        """Do nothing: the model wears its masks itself."""

    def state_dict(self) -> dict[str, Any]:
        """Return the optimizer, the hidden state that is carried, and the generator of the batches."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "carried": self.state if self.parts.source.spec.carry else None,
            "generator": self.batches.generator.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on, in a stage that was just begun, from what `state_dict` gave."""
        self.optimizer.load_state_dict(state["optimizer"])
        self.state = to_device(state["carried"], self.device)
        self.batches.resume(state["generator"])


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
