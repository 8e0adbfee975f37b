"""The engine of one run: one training step of one network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from srnn_tasks import carried

from ._engine import Batches, optimizer, select, slow, to_device
from ._parts import Parts


class Single:
    """The engine of one run; it carries the hidden state from batch to batch where the task asks for it."""

    def __init__(self, parts: Sequence[Parts], device: torch.device) -> None:
        (self.parts,) = parts
        self.device = device
        self.parameters = dict(self.parts.model.named_parameters())

    def begin(self, number: int) -> None:
        """Begin a stage: a new optimizer, the stage's own stream of batches, no hidden state."""
        plan = self.parts.plans[number]
        self.training = plan.stage.training
        self.regularized = plan.stage.regularizer != "none"
        self.trained = select(self.parameters, plan.trained)
        self.embeddings = select(self.parts.penalties.trained, plan.trained) if self.regularized else []
        self.optimizer = optimizer(self.training, self.trained, self.embeddings)
        self.batches = Batches(self.parts, number, self.device)
        self.source = self.parts.source_of(number)
        self.state: Any = None

    def step(self) -> Tensor:
        """Take one step; return loss and weighted penalty `(1, 2)`, on the device."""
        batch, source = next(self.batches), self.source
        state = carried(self.state, batch.reset) if source.spec.carry else None
        outputs, self.state = self.parts.model(batch.inputs, start=batch.start, state=state)
        loss = source.loss(outputs, batch)
        penalty = self.parts.penalties(self.parameters) if self.regularized else torch.zeros_like(loss)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss + penalty)
        if self.training.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.trained, self.training.clip_norm)
        self.optimizer.step()
        if self.embeddings:
            self.parts.penalties.retract_()
        return torch.stack((loss.detach(), penalty.detach()))[None].double()

    def pruned(self) -> None:
        """Do nothing: the model wears its masks itself."""

    @property
    def learning_rate(self) -> float:
        """The learning rate of the network now, or of the embeddings where nothing else trains."""
        return float(self.optimizer.param_groups[0]["lr"])

    def slow(self, network: float, embedding: float) -> None:
        """Multiply the learning rates of network and embeddings."""
        slow(self.optimizer, network, embedding)

    def state_dict(self) -> dict[str, Any]:
        """Return the optimizer, the hidden state that is carried, and the generator of the batches."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "carried": self.state if self.source.spec.carry else None,
            "generator": self.batches.generator.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on, in a stage that was just begun, from what `state_dict` gave."""
        self.optimizer.load_state_dict(state["optimizer"])
        self.state = to_device(state["carried"], self.device)
        self.batches.resume(state["generator"])
