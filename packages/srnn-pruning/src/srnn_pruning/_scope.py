"""Which parameters of a module are scored, pruned and counted, and their densities."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

import srnn_masks

from ._errors import PruningError

WEIGHTS = ("*weight*",)
"""The default scope: globs over full parameter names."""


def in_scope(module: nn.Module, scope: Iterable[str] = WEIGHTS) -> dict[str, nn.Parameter]:
    """Return the parameters whose full names match any of the globs, in the order of the module.

    Parameters of fewer than 2 dimensions (biases, gains) never count. A tied parameter counts once, under its first
    name, whichever of its names matches. Raises PruningError for a glob that matches no parameter to prune.
    """
    first_names: dict[int, str] = {}  # by identity
    selected: dict[int, nn.Parameter] = {}
    named = list(module.named_parameters(remove_duplicate=False))
    for name, parameter in named:
        first_names.setdefault(id(parameter), name)
    for glob in scope:
        matched = [(name, parameter) for name, parameter in named if fnmatchcase(name, glob)]
        weights = [parameter for _, parameter in matched if parameter.dim() >= 2]
        if not matched:
            raise PruningError(
                f"scope: expected {glob!r} to match a parameter, got none of {[name for name, _ in named]}"
            )
        if not weights:
            names = [name for name, _ in matched]
            raise PruningError(f"scope: expected {glob!r} to match a weight of 2 or more dimensions, got only {names}")
        selected.update((id(parameter), parameter) for parameter in weights)
    return {name: selected[key] for key, name in first_names.items() if key in selected}


def masks_of(module: nn.Module, parameters: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    """Return a bool mask per parameter: a copy of its mask, or all True if it has none."""
    named = dict(module.named_parameters(remove_duplicate=False))
    masks = {id(named[name]): mask for name, mask in srnn_masks.masks(module).items()}
    return {
        name: masks[id(parameter)] if id(parameter) in masks else torch.ones_like(parameter, dtype=torch.bool)
        for name, parameter in parameters.items()
    }


def densities(module: nn.Module, scope: Iterable[str] = WEIGHTS) -> dict[str, float]:
    """Return the share of present entries of each matrix in scope, by its mask; 1 without a mask.

    An entry that happens to be 0 without being masked is present. Report this with every result: global ranking does
    not fix the density of a single matrix. Raises PruningError for a glob that matches no parameter to prune.

    >>> module = torch.nn.utils.skip_init(torch.nn.Linear, 2, 2)
    >>> densities(module)
    {'weight': 1.0}
    """
    return {name: srnn_masks.density(mask) for name, mask in masks_of(module, in_scope(module, scope)).items()}
