"""`to_edges` and `to_dense`: the recurrent weights of a model as values of edges, and back."""

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn

from ._acceleration import WEIGHT
from ._errors import ModelError
from ._optimizer_state import Optimizer, check_movable, move_state
from .cells import EdgeWeight, Recurrence, has_own_backward, restore_acceleration


def to_edges(model: nn.Module, masks: Mapping[str, Tensor], optimizer: Optimizer | None = None) -> None:
    """Replace recurrent weights by `EdgeWeight`s with the entries that masks leave, in place.

    The parameter `<name>.weight_hh` (gN, N) becomes `<name>.weight_hh.values` (E,), with its gradient and whether it
    requires one. In the optimizer it keeps its place and parameter group, and moments are moved with it, so that
    training continues as before, in time and memory proportional to E. Without `optimizer`, create a new one.

    Args:
        model: Contains recurrences built from an `ElmanRNN`, `LeakyRNN`, `GRU` or `LSTM`.
        masks: A bool mask (gN, N) for each full parameter name of a `weight_hh`, as `srnn_masks.release(model,
            "*weight_hh")` returns them. The weight is 0 where the mask is False.
        optimizer: Keeps its state by parameter, in numbers and tensors of the parameter's shape, as Adam, AdamW, SGD
            and RMSprop do.

    Raises:
        ModelError: Before anything is changed: without masks; for a name that is no such weight, or a tied one; a mask
            of another shape or dtype, or one that is still applied (a buffer `<name>_mask`); a weight that is not 0
            outside its mask; an optimizer of another kind.

    >>> from srnn_models import ElmanRNN
    >>> rnn = ElmanRNN(hidden=3).build(2, generator=torch.Generator().manual_seed(0))
    >>> mask = torch.eye(3, dtype=torch.bool)
    >>> rnn.weight_hh.data.mul_(mask).count_nonzero()
    tensor(3)
    >>> to_edges(rnn, {"weight_hh": mask})
    >>> rnn.weight_hh
    EdgeWeight(3 -> 3, edges=3)
    """
    if not isinstance(masks, Mapping) or not masks:
        got = "none" if isinstance(masks, Mapping) else type(masks).__name__
        raise ModelError(f"to_edges: expected masks by full parameter name, got {got}")
    owners = {name: _owner(model, name, masks[name]) for name in masks}
    if optimizer is not None:
        check_movable(optimizer, {name: owner.get_parameter(WEIGHT) for name, owner in owners.items()})
    for name, owner in owners.items():
        old = owner.get_parameter(WEIGHT)
        indices = masks[name].to(old.device).nonzero().t()  # (2, E)
        gather = partial(_at, indices)
        new = nn.Parameter(gather(old.detach()), requires_grad=old.requires_grad)
        new.grad = None if old.grad is None else gather(old.grad)
        delattr(owner, WEIGHT)
        setattr(owner, WEIGHT, EdgeWeight(indices, (old.shape[0], old.shape[1]), new))
        restore_acceleration(owner)
        if optimizer is not None:
            move_state(optimizer, old, new, f"{name}.values", gather)


def to_dense(model: nn.Module, optimizer: Optimizer | None = None) -> dict[str, Tensor]:
    """Replace the `EdgeWeight`s of the recurrences of a model by dense weights, in place; undo `to_edges`.

    Gradients and the state of the optimizer are moved as `to_edges` does. Returns the masks of the edges, bool (gN, N),
    by full parameter name; `srnn_masks.apply(model, masks)` keeps the other entries 0 from now on.

    Raises `ModelError`, before anything is changed, for a model without edges, values with a mask, and an optimizer
    that `to_edges` refuses.
    """
    found = {
        f"{path}.{WEIGHT}" if path else WEIGHT: module
        for path, module in model.named_modules()
        if isinstance(module, Recurrence) and module.has_edges
    }
    if not found:
        raise ModelError(f"to_dense: expected a model with a recurrence built on edges, got {type(model).__name__}")
    for name, owner in found.items():
        if "values_mask" in owner.get_submodule(WEIGHT)._buffers:
            raise ModelError(
                f"to_dense: '{name}.values': expected no mask applied, got a buffer values_mask; release it"
            )
    if optimizer is not None:
        values = {f"{name}.values": owner.get_parameter(f"{WEIGHT}.values") for name, owner in found.items()}
        check_movable(optimizer, values)
    masks = {}
    for name, owner in found.items():
        edges = owner.get_submodule(WEIGHT)
        assert isinstance(edges, EdgeWeight)
        old = edges.values
        new = nn.Parameter(edges.dense(old.detach()), requires_grad=old.requires_grad)
        new.grad = None if old.grad is None else edges.dense(old.grad)
        masks[name] = edges.dense(torch.ones_like(old, dtype=torch.bool, requires_grad=False))
        delattr(owner, WEIGHT)
        _register(owner, new)
        restore_acceleration(owner)
        if optimizer is not None:
            move_state(optimizer, old, new, name, edges.dense)
    return masks


def _owner(model: nn.Module, name: str, mask: Tensor) -> Recurrence:
    """Return the recurrence whose `weight_hh` has this full name; raise `ModelError` if it cannot be converted."""
    path, _, leaf = name.rpartition(".")
    owner = dict(model.named_modules()).get(path)
    weight = None if owner is None else owner._parameters.get(leaf)
    if weight is None or leaf != WEIGHT or not (isinstance(owner, Recurrence) and has_own_backward(owner)):
        raise ModelError(f"to_edges: {name!r}: expected the {WEIGHT} of an ElmanRNN, LeakyRNN, GRU or LSTM, got none")
    if sum(each is weight for module in model.modules() for each in module._parameters.values()) > 1:
        raise ModelError(f"to_edges: {name!r}: expected a weight of one module, got a tied one")
    if f"{leaf}_mask" in owner._buffers:
        raise ModelError(
            f"to_edges: {name!r}: expected no mask applied, got a buffer {leaf}_mask; pass what srnn_masks.release "
            "returns"
        )
    if not isinstance(mask, Tensor) or mask.dtype is not torch.bool or mask.shape != weight.shape:
        got = f"{mask.dtype} of shape {tuple(mask.shape)}" if isinstance(mask, Tensor) else type(mask).__name__
        raise ModelError(f"to_edges: mask of {name!r}: expected torch.bool of shape {tuple(weight.shape)}, got {got}")
    outside = int(weight.detach().masked_fill(mask.to(weight.device), 0).count_nonzero())
    if outside:
        raise ModelError(f"to_edges: {name!r}: expected 0 outside the mask, got {outside} other entries")
    return owner


def _at(indices: Tensor, tensor: Tensor) -> Tensor:
    """Return the entries (E,) of a dense tensor (gN, N) at the edges."""
    return tensor[indices[0], indices[1]]


def _register(owner: Recurrence, weight: nn.Parameter) -> None:
    """Register `weight_hh` in its place of `build`, after `weight_ih`: parameters are drawn in this order."""
    others = [(name, each) for name, each in owner._parameters.items() if name != "weight_ih"]
    for name, _ in others:
        del owner._parameters[name]
    for name, parameter in [(WEIGHT, weight), *others]:
        owner.register_parameter(name, parameter)
