"""Which parameters of a module are scored, pruned and counted, and how dense they are."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

import srnn_masks

WEIGHTS = ("*weight*",)


def in_scope(module: nn.Module, scope: Iterable[str] = WEIGHTS) -> dict[str, nn.Parameter]:
    """Find the parameters whose full names match any of the globs, in the order of the module.

    Parameters of fewer than 2 dimensions (biases, gains) never count. A tied parameter counts once, under its first
    name, whichever of its names matched. A glob that finds nothing to prune is an error.
    """
    first: dict[int, str] = {}  # identity -> first name
    found: dict[int, nn.Parameter] = {}
    named = list(module.named_parameters(remove_duplicate=False))
    for name, parameter in named:
        first.setdefault(id(parameter), name)
    for glob in scope:
        matched = [(name, parameter) for name, parameter in named if fnmatchcase(name, glob)]
        weights = [parameter for _, parameter in matched if parameter.dim() >= 2]
        if not matched:
            raise ValueError(
                f"scope: expected {glob!r} to match a parameter, got none of {[name for name, _ in named]}"
            )
        if not weights:
            names = [name for name, _ in matched]
            raise ValueError(f"scope: expected {glob!r} to match a weight of 2 or more dimensions, got only {names}")
        found.update((id(parameter), parameter) for parameter in weights)
    return {name: found[key] for key, name in first.items() if key in found}


def present(module: nn.Module, parameters: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    """Give a bool mask per parameter: a copy of the one it wears, or all true."""
    named = dict(module.named_parameters(remove_duplicate=False))
    worn = {id(named[name]): mask for name, mask in srnn_masks.masks(module).items()}
    return {
        name: worn[id(parameter)] if id(parameter) in worn else torch.ones_like(parameter, dtype=torch.bool)
        for name, parameter in parameters.items()
    }


def densities(module: nn.Module, scope: Iterable[str] = WEIGHTS) -> dict[str, float]:
    """Share of present entries of each matrix in scope, by the mask that it wears; without a mask it is 1.

    An entry that happens to be 0 under no mask is present. Put this into every result: global ranking leaves the
    density of a single matrix free.

    >>> module = torch.nn.utils.skip_init(torch.nn.Linear, 2, 2)
    >>> densities(module)
    {'weight': 1.0}
    """
    return {name: srnn_masks.density(mask) for name, mask in present(module, in_scope(module, scope)).items()}
