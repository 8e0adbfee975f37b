"""Training steps of many small networks of one experiment as one batched computation; S leads every tensor.

The networks stay what they are: their parameters become slices of the stacked ones, so that masks, pruning, the
lottery and evaluation act on each alone, with its own thresholds, as they do on a single run. Only the training step
is taken together, by `torch.func.vmap`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from srnn_masks import masks, release
from srnn_tasks import BaseSource, Batch, carried

from ._assemble import Parts
from ._engine import Batches, to_device

FIELDS = ("inputs", "targets", "weight", "start", "reset")


class Stacked:
    """The engine of S runs of one experiment with different seeds.

    Each has its own weights, masks, embeddings, batches, clipping norm and hidden state; gradients never mix, so one
    that diverges harms no other. It agrees with a single run to float tolerance: sums are made in another order.

    Raises ValueError where runs cannot be stacked: torch's fused RNNs have no vmap rule, and a loss of the task's own
    may look at what was drawn for one seed alone.
    """

    def __init__(self, parts: Sequence[Parts], device: torch.device) -> None:
        first = parts[0]
        fused = [type(module).__name__ for module in first.model.modules() if isinstance(module, nn.RNNBase)]
        if fused:
            raise ValueError(f"stack: expected cells with an explicit loop, got torch's fused {fused[0]}")
        if getattr(type(first.source), "loss", None) is not BaseSource.loss:
            raise ValueError(f"stack: expected the loss of BaseSource, got one of {type(first.source).__name__}'s own")
        self.parts, self.device, self.source = parts, device, first.source
        self.template = deepcopy(first.model)
        release(self.template)
        self.template.train()
        models = [dict(each.model.named_parameters()) for each in parts]
        self.parameters = {
            name: nn.Parameter(torch.stack([model[name].detach() for model in models]), requires_grad=one.requires_grad)
            for name, one in models[0].items()
        }  # (S, *shape)
        for number, model in enumerate(models):
            for name, parameter in model.items():
                parameter.data = self.parameters[name].data[number]  # from now on one memory
        self.trained = [parameter for parameter in self.parameters.values() if parameter.requires_grad]
        held = [dict(each.penalties.state_dict()) for each in parts]
        self.penalties = {name: torch.stack([state[name] for state in held]) for name in held[0]}
        self.present: dict[str, Tensor] = {}
        self.optimizer: torch.optim.Optimizer | None = None

    def begin(self, number: int) -> None:
        """Begin a stage: a new optimizer, the stage's own streams of batches, no hidden states."""
        plan = self.parts[0].plans[number]
        training = plan.stage.training
        self.clip_norm = training.clip_norm
        self.optimizer = training.optimizer.build(self.trained, training.learning_rate)
        self.batches = [Batches(each, each.plans[number], self.device) for each in self.parts]
        self.states: Any = None
        self.pruned()

    def step(self) -> Tensor:
        """Take one step of every run; return loss and weighted penalty `(S, 2)`, on the device."""
        assert self.optimizer is not None
        batches = [next(stream) for stream in self.batches]
        fields = {
            name: torch.stack([getattr(batch, name) for batch in batches])
            for name in FIELDS
            if getattr(batches[0], name) is not None
        }
        if self.states is not None:
            fields["state"] = self.states
        losses, penalties, states = vmap(self._one)(self.parameters, self.penalties, fields)  # (S,), (S,)
        if self.source.spec.carry:
            self.states = states
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(losses + penalties, torch.ones_like(losses))
        self._mask_and_clip()
        self.optimizer.step()
        return torch.stack((losses.detach(), penalties.detach()), dim=1).double()

    def _one(
        self, parameters: Mapping[str, Tensor], penalties: Mapping[str, Tensor], fields: Mapping[str, Any]
    ) -> tuple[Tensor, Tensor, Any]:
        """Return loss, penalty and last state of one run; shapes as in a single run."""
        given = dict(fields)
        state = carried(given.pop("state", None), given.get("reset"))
        batch = Batch(**given)
        outputs, state = functional_call(
            self.template, dict(parameters), (batch.inputs,), {"start": batch.start, "state": state}
        )
        penalty = functional_call(self.parts[0].penalties, dict(penalties), (parameters,))
        return self.source.loss(outputs, batch), penalty, carried(state, None)

    def _mask_and_clip(self) -> None:
        """Zero the gradients of masked entries, then bound the norm of each run's whole gradient by itself."""
        gradients = {name: held.grad for name, held in self.parameters.items() if held.grad is not None}
        for name, gradient in gradients.items():
            if name in self.present:
                gradient.mul_(self.present[name])
        if self.clip_norm is not None and gradients:
            norms = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients.values()]).norm(
                dim=0
            )  # (S,)
            factors = (self.clip_norm / (norms + 1e-6)).clamp(max=1.0)  # as torch's clip_grad_norm_
            for gradient in gradients.values():
                gradient.mul_(factors.view(-1, *[1] * (gradient.dim() - 1)))

    def pruned(self) -> None:
        """Take over the masks that the networks wear now, and clear the optimizer's moments of what is gone.

        The weights themselves are zero already: pruning wrote into the memory that they share.
        """
        worn = [masks(each.model) for each in self.parts]
        self.present = {}
        for name in dict.fromkeys(name for each in worn for name in each):
            like = self.parameters[name]
            slices = [each.get(name, torch.ones_like(like[0], dtype=torch.bool)) for each in worn]
            self.present[name] = torch.stack(slices).to(like.dtype)  # (S, rows, cols)
        for name, present in self.present.items():
            moments = self.optimizer.state.get(self.parameters[name], {}) if self.optimizer else {}
            for moment in moments.values():
                if isinstance(moment, Tensor) and moment.shape == present.shape:
                    moment.mul_(present)

    def state_dict(self) -> dict[str, Any]:
        """Return the optimizer, the hidden states that are carried, and the generators of the batches."""
        assert self.optimizer is not None
        return {
            "optimizer": self.optimizer.state_dict(),
            "carried": self.states,
            "generators": [stream.generator.get_state() for stream in self.batches],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on, in a stage that was just begun, from what `state_dict` gave."""
        assert self.optimizer is not None
        self.optimizer.load_state_dict(state["optimizer"])
        self.states = to_device(state["carried"], self.device)
        for stream, generator in zip(self.batches, state["generators"], strict=True):
            stream.resume(generator)
