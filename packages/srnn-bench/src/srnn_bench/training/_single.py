"""The engine of one run: one training step of one network at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from srnn_tasks import Batch, carried

from ._engine import Batches, HasOptimizer, optimizer, to_device, trainable
from ._parts import Parts
from ._plans import Plan


class Single(HasOptimizer):
    """Engine of one run. It carries the hidden state from batch to batch if the task asks for it.

    `parameters` are those of the model by name; `plan`, `trained` (network), `embeddings`, `optimizer`, `batches` and
    `state` (the hidden state to carry) belong to the current stage. They are flat because every step
    reads them.
    """

    plan: Plan
    trained: list[nn.Parameter]
    embeddings: list[nn.Parameter]
    batches: Batches
    state: Any

    def __init__(self, parts: Sequence[Parts], device: torch.device) -> None:
        (self.parts,) = parts
        self.device = device
        self.parameters = dict(self.parts.model.named_parameters())

    def begin(self, number: int) -> None:
        """Begin stage `number`: a new optimizer, the stage's own stream of batches, no hidden state."""
        self.plan = plan = self.parts.plans[number]
        self.trained = trainable(self.parameters, plan.trained)
        self.embeddings = trainable(self.parts.penalties.trained, plan.trained) if plan.regularized else []
        self.optimizer = optimizer(plan.stage.training, self.trained, self.embeddings)
        self.batches = Batches(self.parts, number, self.device)
        self.state = None

    def step(self) -> Tensor:
        """Take one step; return loss and weighted penalty (1, 2), on the device."""
        return self.train_on(next(self.batches))

    def train_on(self, batch: Batch) -> Tensor:
        """Take one step on this batch; return loss and weighted penalty (1, 2), on the device."""
        source, penalties, clip_norm = self.batches.source, self.parts.penalties, self.plan.stage.training.clip_norm
        state = carried(self.state, batch.reset) if source.spec.carry else None
        outputs, self.state = self.parts.model(batch.inputs, start=batch.start, state=state)  # (T, B, O)
        loss = source.loss(outputs, batch)  # scalar
        penalty = penalties(self.parameters) if self.plan.regularized else torch.zeros_like(loss)  # scalar
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss + penalty)
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(self.trained, clip_norm)
        self.optimizer.step()
        if self.embeddings:
            penalties.retract_()
        return torch.stack((loss.detach(), penalty.detach()))[None].double()  # (1, 2)

    def masks_changed(self) -> None:
        """Do nothing: the model applies its masks itself."""

    def state_dict(self) -> dict[str, Any]:
        """Return the optimizer, the carried hidden state, and the generator of the batches."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "carried": self.state if self.batches.source.spec.carry else None,
            "generator": self.batches.generator.get_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore, in a stage that has just begun, what `state_dict` returned."""
        self.optimizer.load_state_dict(state["optimizer"])
        self.state = to_device(state["carried"], self.device)
        self.batches.resume(state["generator"])
