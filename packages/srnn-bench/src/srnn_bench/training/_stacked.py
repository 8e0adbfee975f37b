"""The engine of several runs: training steps of many small networks as one batched computation, by `torch.func.vmap`.

S leads every stacked tensor. Only the training step is taken together; see `StackedNetwork`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from srnn_tasks import Batch, carried

from .._errors import BenchError
from ._engine import FIELDS, Batches, HasOptimizer, optimizer, to_device, trainable
from ._parts import Parts
from ._plans import Plan
from ._stacked_network import StackedNetwork, check_stackable, stack


class Stacked(HasOptimizer):
    """Engine of S runs of one experiment with different seeds.

    Each run has its own weights, masks, embeddings, batches, clipping norm and hidden state. Gradients never mix, so a
    run that diverges does not affect the others. Results agree with those of `Single` to float tolerance, because sums
    are computed in another order. The bits of a run depend on S and on its place in the stack, which decide the memory
    layout of its slices, but not on the other runs.

    `plan`, `optimizer`, `trained_embeddings`, `batches` and `states` (the hidden states to carry) belong to the current
    stage. Attributes of a module other than parameters and buffers are those of the first run.

    Raises:
        BenchError: If the runs cannot be stacked, here or at the first step: torch's fused RNNs have no vmap rule, a
            loss of the task's own may depend on what was drawn for one seed, and stacked tensors must have one shape.
    """

    plan: Plan
    trained_embeddings: list[nn.Parameter]
    batches: list[Batches]
    states: Any

    def __init__(self, parts: Sequence[Parts], device: torch.device) -> None:
        check_stackable(parts)
        self.parts, self.device = parts, device
        self.network = StackedNetwork(parts)

    def begin(self, number: int) -> None:
        """Begin stage `number`: a new optimizer, the stage's own streams of batches, no hidden states."""
        self.plan = plan = self.parts[0].plans[number]
        training = plan.stage.training
        if training.rates.kind != "constant":
            raise BenchError(f"stack: expected a constant learning rate, the same for all runs, got {training.rates!r}")
        trained = trainable(self.network.parameters, plan.trained)
        self.trained_embeddings = trainable(self.network.embeddings, plan.trained) if plan.regularized else []
        self.optimizer = optimizer(training, trained, self.trained_embeddings)
        self.batches = [Batches(each, number, self.device) for each in self.parts]
        self.states = None
        self.masks_changed()

    def step(self) -> Tensor:
        """Take one step of every run; return loss and weighted penalty (S, 2), on the device."""
        network = self.network
        fields: dict[str, Any] = stack("batches", [_fields(next(stream)) for stream in self.batches])
        if self.states is not None:
            fields["state"] = self.states
        tensors = (network.parameters, network.buffers, network.penalties, fields)
        losses, penalties, states = vmap(self._step_of_one)(*tensors)  # (S,), (S,)
        if self.batches[0].source.spec.carry:
            self.states = states
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(losses + penalties, torch.ones_like(losses))
        network.mask_and_clip_gradients(self.plan.stage.training.clip_norm)
        self.optimizer.step()
        network.clamp_signs()
        if self.trained_embeddings:
            for each in self.parts:
                each.penalties.retract_()
        return torch.stack((losses.detach(), penalties.detach()), dim=1).double()  # (S, 2)

    def _step_of_one(
        self,
        parameters: Mapping[str, Tensor],
        buffers: Mapping[str, Tensor],
        penalties: Mapping[str, Tensor],
        fields: Mapping[str, Any],
    ) -> tuple[Tensor, Tensor, Any]:
        """Return loss, penalty and the state to carry, () if none, of one run; shapes are those of a single run."""
        source = self.batches[0].source
        state = carried(fields.get("state"), fields.get("reset"))
        batch = Batch(**{name: tensor for name, tensor in fields.items() if name != "state"})
        tensors = {**parameters, **buffers}
        outputs, state = functional_call(
            self.network.template, tensors, (batch.inputs,), {"start": batch.start, "state": state}
        )
        for name, buffer in buffers.items():
            if tensors[name] is not buffer:
                raise BenchError(f"stack: expected buffer {name} to be written in place, got a new tensor")
        loss = source.loss(outputs, batch)
        penalty = torch.zeros_like(loss)
        if self.plan.regularized:
            penalty = functional_call(self.parts[0].penalties, dict(penalties), (parameters,))
        return loss, penalty, carried(state, None) if source.spec.carry else ()

    def masks_changed(self) -> None:
        """Take the masks that the networks have now, and clear the optimizer's moments of the masked entries."""
        self.network.read_masks(self.parts)
        for name, mask in self.network.masks.items():
            for moment in self.optimizer.state.get(self.network.parameters[name], {}).values():
                if isinstance(moment, Tensor) and moment.shape == mask.shape:
                    moment.mul_(mask)

    def state_dict(self) -> dict[str, Any]:
        """Return the optimizer, the carried hidden states, and the generators of the batches."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "carried": self.states,
            "generators": [stream.generator.get_state() for stream in self.batches],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore, in a stage that has just begun, what `state_dict` returned."""
        self.optimizer.load_state_dict(state["optimizer"])
        self.states = to_device(state["carried"], self.device)
        for stream, generator in zip(self.batches, state["generators"], strict=True):
            stream.resume(generator)


def _fields(batch: Batch) -> dict[str, Tensor]:
    """Return the tensors of a batch that a model or a loss reads."""
    return {name: tensor for name in FIELDS if (tensor := getattr(batch, name)) is not None}
