"""The networks and penalties of S runs of one experiment as one set of tensors; S leads every tensor.

The networks stay what they are: their parameters become slices of the stacked ones. Masks, pruning, the lottery and
evaluation therefore act on each network alone, with its own thresholds, as they do on a single run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import chain
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn

from srnn_masks import masks, release, signs
from srnn_tasks import BaseSource

from .._errors import BenchError
from ..experiment import Stage
from ._parts import Parts


class StackedNetwork:
    """Stacked tensors of S networks and their penalties, by name: `parameters`, `buffers`, `penalties`.

    `template` is a network without masks, to be called with the tensors of one run. `embeddings` are the trained points
    (S, gates, N, coordinates), which are also in `penalties`. `masks` (S, rows, cols) are 1 where a weight is present,
    and `signs` (S, cols) are those of the columns that have signs.

    Raises:
        BenchError: If the tensors of the runs differ in name, shape or type.
    """

    def __init__(self, parts: Sequence[Parts]) -> None:
        first = parts[0]
        self.template = deepcopy(first.model)
        release(self.template)
        self.template.train()
        models = [dict(each.model.named_parameters()) for each in parts]
        self.parameters = {
            name: nn.Parameter(stacked, requires_grad=models[0][name].requires_grad)
            for name, stacked in _share("parameters", models).items()
        }  # (S, *shape)
        names = [name for name, _ in self.template.named_buffers()]  # without the masks
        self.buffers = _share("buffers", [{name: each.model.get_buffer(name) for name in names} for each in parts])
        terms = [(each.penalties.named_parameters(), each.penalties.named_buffers()) for each in parts]
        self.penalties = _share("penalties", [dict(chain(*both)) for both in terms])
        own_names = {id(parameter): name for name, parameter in first.penalties.named_parameters()}
        self.embeddings: dict[str, nn.Parameter] = {}
        for name, points in first.penalties.trained.items():
            own_name = own_names[id(points)]
            self.embeddings[name] = nn.Parameter(self.penalties[own_name])
            self.penalties[own_name] = self.embeddings[name]
        self.masks: dict[str, Tensor] = {}
        signs_of_runs = [signs(each.model) for each in parts]
        self.signs = {name: torch.stack([each[name] for each in signs_of_runs]) for name in signs_of_runs[0]}

    def read_masks(self, parts: Sequence[Parts]) -> None:
        """Take the masks that the networks have now. Their weights are already zero: pruning wrote into the slices."""
        masks_of_runs = [masks(each.model) for each in parts]
        self.masks = {}
        for name in dict.fromkeys(name for each in masks_of_runs for name in each):
            like = self.parameters[name]  # (S, rows, cols)
            slices = [each.get(name, torch.ones_like(like[0], dtype=torch.bool)) for each in masks_of_runs]
            self.masks[name] = torch.stack(slices).to(like.dtype)

    def mask_and_clip_gradients(self, clip_norm: float | None) -> None:
        """Zero the gradients of masked entries, then bound the norm of each run's whole gradient separately."""
        gradients = {name: parameter.grad for name, parameter in self.parameters.items() if parameter.grad is not None}
        for name, gradient in gradients.items():
            if name in self.masks:
                gradient.mul_(self.masks[name])
        if clip_norm is not None and gradients:
            each_norm = torch.stack([gradient.flatten(1).norm(dim=1) for gradient in gradients.values()])
            norms = each_norm.norm(dim=0)  # (S,)
            factors = (clip_norm / (norms + 1e-6)).clamp(max=1.0)  # as torch's clip_grad_norm_
            for gradient in gradients.values():
                gradient.mul_(factors.view(-1, *[1] * (gradient.dim() - 1)))

    def clamp_signs(self) -> None:
        """Set to 0 every weight that the optimizer's step took across 0, in columns that have signs."""
        with torch.no_grad():
            for name, sign in self.signs.items():
                weight = self.parameters[name]
                weight.masked_fill_(weight * sign[:, None] < 0, 0.0)


def check_stackable(parts: Sequence[Parts]) -> None:
    """Raise `BenchError` if a run cannot be stacked, or not with the first one.

    The first run's learning rate, optimizer and norm of the gradient are those of the stack, and its loss and modules
    compute all runs: stages, classes of modules and specs are compared.
    """
    first = parts[0]
    expected = [plan.batches for plan in first.plans]
    classes = [type(module).__name__ for module in first.model.modules()]
    for each in parts:
        if difference := _difference([plan.stage for plan in first.plans], [plan.stage for plan in each.plans]):
            raise BenchError(f"stack: expected the same stages for all runs, got {difference}")
        own = [type(module).__name__ for module in each.model.modules()]
        if own != classes:
            raise BenchError(
                f"stack: expected networks of one kind for all runs, got {', '.join(classes)} and {', '.join(own)}"
            )
        fused = [type(module).__name__ for module in each.model.modules() if isinstance(module, nn.RNNBase)]
        if fused:
            raise BenchError(f"stack: expected cells with an explicit loop, got torch's fused {fused[0]}")
        for number in range(len(each.plans)):
            source, expected_spec = each.source_of(number), first.source_of(number).spec
            if source.loss != MethodType(BaseSource.loss, source):
                raise BenchError(f"stack: expected the loss of BaseSource, got one of {type(source).__name__}'s own")
            if source.spec != expected_spec:
                raise BenchError(f"stack: expected one spec for all seeds, got {expected_spec!r} and {source.spec!r}")
        batches = [plan.batches for plan in each.plans]
        if batches != expected:
            raise BenchError(
                f"stack: expected the same number of batches per epoch for all seeds, got {expected} and {batches}"
            )


def _difference(one: Sequence[Stage], other: Sequence[Stage]) -> str | None:
    """Return the first field in which two lists of stages differ, and its values; None if they are equal."""
    first, second = (
        dict(_fields("stages", [stage.model_dump(mode="json") for stage in stages])) for stages in (one, other)
    )
    path = next((path for path in first | second if first.get(path) != second.get(path)), None)
    return path and f"{path} = {first.get(path)!r} and {second.get(path)!r}"


def _fields(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield path and value of every field inside a nest of dicts and lists."""
    if isinstance(value, (dict, list)):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _fields(f"{path}.{name}", inner)
    else:
        yield path, value


def stack(what: str, tensors: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the tensors of all runs stacked by name, (S, *shape). Raises `BenchError` if names, shapes, types differ.

    `what` names the tensors in the message.
    """
    kinds = [{name: (tuple(tensor.shape), tensor.dtype) for name, tensor in each.items()} for each in tensors]
    for kind in kinds:
        if kind != kinds[0]:
            raise BenchError(f"stack: expected {what} of one shape and type for all seeds, got {kinds[0]} and {kind}")
    return {name: torch.stack([each[name].detach() for each in tensors]) for name in kinds[0]}


def _share(what: str, tensors: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the tensors of all runs stacked by name, and make those of each run slices of them."""
    stacked = stack(what, tensors)
    for number, each in enumerate(tensors):
        for name, tensor in each.items():
            tensor.data = stacked[name][number]
    return stacked
