"""Measurements of a network in training: densities, numbers of weights present, finiteness."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import nn

from srnn_pruning import densities

SCOPE = ("*weight*",)

ZERO = 1e-5  # no farther from 0 a weight counts as absent: compatible with the counts in Table 1 of arXiv 2207.03523


class Diverged(Exception):
    """A loss, a weight or a metric is no finite number; the text says which, where and when."""


def mean_density(model: nn.Module) -> float:
    """Return the share of weights present over all weight matrices together."""
    shares = densities(model, SCOPE)
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters() if name in shares}
    return sum(shares[name] * size for name, size in sizes.items()) / sum(sizes.values())


def present(model: nn.Module) -> dict[str, int]:
    """Return of each weight matrix the number of entries farther from 0 than `ZERO`."""
    names = densities(model, SCOPE)
    named = model.named_parameters()
    return {name: int((parameter.abs() > ZERO).sum()) for name, parameter in named if name in names}


def check_finite(values: Mapping[str, float], where: str) -> None:
    """Raise Diverged when one of the values is NaN or infinite."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise Diverged(f"{name} is {value} at {where}")


def check_weights(model: nn.Module, where: str) -> None:
    """Raise Diverged when a parameter holds NaN or infinity."""
    for name, parameter in model.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            raise Diverged(f"parameter {name} holds a value that is not finite at {where}")
