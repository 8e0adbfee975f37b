"""Training steps of many small networks of one experiment as one batched computation; S leads every tensor.

The networks stay what they are: their parameters become slices of the stacked ones, so that masks, pruning, the
lottery and evaluation act on each alone, with its own thresholds, as they do on a single run. Only the training step
is taken together, by `torch.func.vmap`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from itertools import chain
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from srnn_masks import masks, release, signs
from srnn_tasks import BaseSource, Batch, carried

from ._engine import FIELDS, Batches, optimizer, select, slow, to_device
from ._parts import Parts


class Stacked:
    """The engine of S runs of one experiment with different seeds.

    Each has its own weights, masks, embeddings, batches, clipping norm and hidden state; gradients never mix, so one
    that diverges harms no other. It agrees with a single run to float tolerance: sums are made in another order. The
    bits of a run depend on its place in the stack, which decides how its slices lie in memory, but not on S nor on
    the other runs.

    Raises ValueError, here or at a step, where runs cannot be stacked: torch's fused RNNs have no vmap rule, a loss
    of the task's own may look at what was drawn for one seed alone, and what is stacked must have one shape. What a
    module keeps in other attributes than parameters and buffers is that of the first run.
    """

    def __init__(self, parts: Sequence[Parts], device: torch.device) -> None:
        first = parts[0]
        for each in parts:
            _check(each, first)
        self.parts, self.device, self.source = parts, device, first.source
        self.template = deepcopy(first.model)
        release(self.template)
        self.template.train()
        models = [dict(each.model.named_parameters()) for each in parts]
        self.parameters = {
            name: nn.Parameter(stacked, requires_grad=models[0][name].requires_grad)
            for name, stacked in _share("parameters", models).items()
        }  # (S, *shape)
        own = dict(self.template.named_buffers())  # without the masks
        held = [{name: each.model.get_buffer(name) for name in own} for each in parts]
        self.buffers = _share("buffers", held)
        terms = [(each.penalties.named_parameters(), each.penalties.named_buffers()) for each in parts]
        self.penalties = _share("penalties", [dict(chain(*both)) for both in terms])
        own_names = {id(parameter): name for name, parameter in first.penalties.named_parameters()}
        self.embeddings: dict[str, nn.Parameter] = {}  # (S, gates, N, coordinates), by the name that a stage knows
        for name, points in first.penalties.trained.items():
            place = own_names[id(points)]
            self.embeddings[name] = nn.Parameter(self.penalties[place])
            self.penalties[place] = self.embeddings[name]
        self.present: dict[str, Tensor] = {}
        worn = [signs(each.model) for each in parts]
        self.signs = {name: torch.stack([each[name] for each in worn]) for name in worn[0]}  # (S, cols)
        self.optimizer: torch.optim.Optimizer | None = None

    def begin(self, number: int) -> None:
        """Begin a stage: a new optimizer, the stage's own streams of batches, no hidden states."""
        plan = self.parts[0].plans[number]
        self.training = plan.stage.training
        if self.training.rates.kind != "constant":
            raise ValueError(f"stack: expected a constant learning rate, one for all runs, got {self.training.rates!r}")
        self.regularized = plan.stage.regularizer != "none"
        trained = select(self.parameters, plan.trained)
        self.moving = select(self.embeddings, plan.trained) if self.regularized else []
        self.optimizer = optimizer(self.training, trained, self.moving)
        self.batches = [Batches(each, number, self.device) for each in self.parts]
        self.source = self.parts[0].source_of(number)
        self.states: Any = None
        self.pruned()

    def step(self) -> Tensor:
        """Take one step of every run; return loss and weighted penalty `(S, 2)`, on the device."""
        assert self.optimizer is not None
        batches = [next(stream) for stream in self.batches]
        fields: dict[str, Any] = _join("batches", [_fields(batch) for batch in batches])
        if self.states is not None:
            fields["state"] = self.states
        losses, penalties, states = vmap(self._one)(self.parameters, self.buffers, self.penalties, fields)  # (S,), (S,)
        if self.source.spec.carry:
            self.states = states
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(losses + penalties, torch.ones_like(losses))
        self._mask_and_clip()
        self.optimizer.step()
        self._clamp()
        if self.moving:
            for each in self.parts:
                each.penalties.retract_()
        return torch.stack((losses.detach(), penalties.detach()), dim=1).double()

    def _one(
        self,
        parameters: Mapping[str, Tensor],
        buffers: Mapping[str, Tensor],
        penalties: Mapping[str, Tensor],
        fields: Mapping[str, Any],
    ) -> tuple[Tensor, Tensor, Any]:
        """Return loss, penalty and last state, if it is carried, of one run; shapes as in a single run."""
        given = dict(fields)
        state = carried(given.pop("state", None), given.get("reset"))
        batch = Batch(**given)
        tensors = {**parameters, **buffers}
        outputs, state = functional_call(
            self.template, tensors, (batch.inputs,), {"start": batch.start, "state": state}
        )
        for name, buffer in buffers.items():
            if tensors[name] is not buffer:
                raise ValueError(
                    f"stack: expected buffer {name} to be written in place, got another tensor in its place"
                )
        loss = self.source.loss(outputs, batch)
        penalty = torch.zeros_like(loss)
        if self.regularized:
            penalty = functional_call(self.parts[0].penalties, dict(penalties), (parameters,))
        return loss, penalty, carried(state, None) if self.source.spec.carry else ()

    def _mask_and_clip(self) -> None:
        """Zero the gradients of masked entries, then bound the norm of each run's whole gradient by itself."""
        gradients = {name: held.grad for name, held in self.parameters.items() if held.grad is not None}
        for name, gradient in gradients.items():
            if name in self.present:
                gradient.mul_(self.present[name])
        clip_norm = self.training.clip_norm
        if clip_norm is not None and gradients:
            norms = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients.values()]).norm(
                dim=0
            )  # (S,)
            factors = (clip_norm / (norms + 1e-6)).clamp(max=1.0)  # as torch's clip_grad_norm_
            for gradient in gradients.values():
                gradient.mul_(factors.view(-1, *[1] * (gradient.dim() - 1)))

    def _clamp(self) -> None:
        """Clamp to 0 what the step took across 0, where columns have signs."""
        with torch.no_grad():
            for name, sign in self.signs.items():
                weight = self.parameters[name]
                weight.masked_fill_(weight * sign[:, None] < 0, 0.0)

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

    @property
    def learning_rate(self) -> float:
        """The learning rate of the networks now, or of the embeddings where nothing else trains."""
        assert self.optimizer is not None
        return float(self.optimizer.param_groups[0]["lr"])

    def slow(self, network: float, embedding: float) -> None:
        """Multiply the learning rates of all networks and of all embeddings."""
        assert self.optimizer is not None
        slow(self.optimizer, network, embedding)

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


def _check(parts: Parts, first: Parts) -> None:
    """Refuse a run that cannot be stacked, or not with the first one."""
    fused = [type(module).__name__ for module in parts.model.modules() if isinstance(module, nn.RNNBase)]
    if fused:
        raise ValueError(f"stack: expected cells with an explicit loop, got torch's fused {fused[0]}")
    for number in range(len(parts.plans)):
        source, expected_spec = parts.source_of(number), first.source_of(number).spec
        if source.loss != MethodType(BaseSource.loss, source):
            raise ValueError(f"stack: expected the loss of BaseSource, got one of {type(source).__name__}'s own")
        if source.spec != expected_spec:
            raise ValueError(f"stack: expected one spec for all seeds, got {expected_spec!r} and {source.spec!r}")
    epochs, expected = ([plan.batches for plan in each.plans] for each in (parts, first))
    if epochs != expected:
        raise ValueError(f"stack: expected epochs of as many batches for all seeds, got {expected} and {epochs}")


def _fields(batch: Batch) -> dict[str, Tensor]:
    """Return what a batch has of the fields that a model and a loss may look at."""
    return {name: tensor for name in FIELDS if (tensor := getattr(batch, name)) is not None}


def _join(what: str, held: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the tensors of all runs stacked by name, `(S, *shape)`; they must have the same names, shapes, types."""
    kinds = [{name: (tuple(tensor.shape), tensor.dtype) for name, tensor in each.items()} for each in held]
    for kind in kinds:
        if kind != kinds[0]:
            raise ValueError(f"stack: expected {what} of one shape and type for all seeds, got {kinds[0]} and {kind}")
    return {name: torch.stack([each[name].detach() for each in held]) for name in kinds[0]}


def _share(what: str, held: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the tensors of all runs stacked by name; from now on those of each run are slices of them, in place."""
    stacked = _join(what, held)
    for number, each in enumerate(held):
        for name, tensor in each.items():
            tensor.data = stacked[name][number]
    return stacked
