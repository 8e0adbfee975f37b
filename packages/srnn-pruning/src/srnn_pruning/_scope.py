"""Which parameters of a module are scored, pruned and counted, and their densities."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from math import prod

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

import srnn_masks

from ._edge_weights import edge_weights, refuse_edges
from ._errors import PruningError

WEIGHTS = ("*weight*",)
"""The default scope: globs over full parameter names."""


def in_scope(module: nn.Module, scope: Iterable[str] = WEIGHTS) -> dict[str, Tensor]:
    """Return the weights whose full names match any of the globs, or are one of them, in the order of the module.

    Parameters of fewer than 2 dimensions (biases, gains) never count. A tied parameter counts once, under its first
    name, whichever of its names matches. A parametrized weight counts as what its parametrization gives, a detached
    copy, under its own name; the parameters that it is computed from do not count. Raises PruningError for a glob that
    matches no parameter to prune or the values of edges (`srnn_models.EdgeWeight`), for a lazy parameter that has no
    shape yet, and for a scripted module.
    """
    selected = _matched(module, scope)
    refuse_edges(module, selected)
    return selected


def _matched(module: nn.Module, scope: Iterable[str]) -> dict[str, Tensor]:
    """Return the weights of `in_scope`, and the values of edges whose names match."""
    if any(isinstance(each, torch.jit.ScriptModule) for each in module.modules()):
        raise PruningError(f"{type(module).__name__}: expected a module that is not scripted; prune before scripting")
    first_names: dict[int, str] = {}  # by identity
    selected: set[int] = set()
    named, sparse = srnn_masks.maskable(module), edge_weights(module)
    for name, weight in named.items():
        first_names.setdefault(id(weight), name)
    for glob in scope:
        names = [glob] if glob in named else [name for name in named if fnmatchcase(name, glob)]
        for name in names:
            check_initialized(name, named[name])
        weights = [named[name] for name in names if named[name].dim() >= 2 or name in sparse]
        if not names:
            raise PruningError(f"scope: expected {glob!r} to match a parameter, got none of {list(named)}")
        if not weights:
            raise PruningError(f"scope: expected {glob!r} to match a weight of 2 or more dimensions, got only {names}")
        selected.update(map(id, weights))
    return {name: named[name] for key, name in first_names.items() if key in selected}


def check_initialized(name: str, parameter: Tensor) -> None:
    """Raise PruningError if a parameter of a lazy module (e.g. `nn.LazyLinear`) has no shape yet."""
    if is_lazy(parameter):
        raise PruningError(f"{name}: expected a weight with a shape, got a lazy parameter; run the module once first")


def masks_of(module: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a bool mask per weight: a copy of its mask, or all True if it has none."""
    named = {**srnn_masks.maskable(module), **weights}
    masks = {id(named[name]): mask for name, mask in srnn_masks.masks(module).items() if name in named}
    return {
        name: masks[id(weight)] if id(weight) in masks else torch.ones_like(weight, dtype=torch.bool)
        for name, weight in weights.items()
    }


def densities(module: nn.Module, scope: Iterable[str] = WEIGHTS) -> dict[str, float]:
    """Return the share of present entries of each matrix in scope, by its mask; 1 without a mask.

    An entry that happens to be 0 without being masked is present. A matrix without entries has no density and is left
    out. A matrix that is given by its edges (`srnn_models.EdgeWeight`) counts under the name of their values. Report
    this with every result: global ranking does not fix the density of a single matrix. Raises PruningError for a glob
    that matches no parameter to prune.

    >>> module = torch.nn.utils.skip_init(torch.nn.Linear, 2, 2)
    >>> densities(module)
    {'weight': 1.0}
    """
    masks, sparse = masks_of(module, _matched(module, scope)), edge_weights(module)
    entries = {name: prod(sparse[name].shape) if name in sparse else mask.numel() for name, mask in masks.items()}
    return {name: int(mask.count_nonzero()) / entries[name] for name, mask in masks.items() if entries[name]}
