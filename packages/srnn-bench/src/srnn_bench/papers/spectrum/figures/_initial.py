"""A network as it is before its first training step: initial weights, masks, and the batch that its criterion read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

import srnn_masks
from srnn_models import Network

from ....experiment import Experiment
from ....training import assemble, evidence_of
from .._networks import Net
from .._schemes import G, N, named, schemes
from .._sizes import TASK, Sizes

UNITS = 400  # as in the paper

SHOWN: dict[str, str] = {  # rows of Table 2 by the name in a figure
    "ours": named("ours", N, normalised=True),
    "ours, without gamma": named("ours", N, normalised=False),
    "random": f"random, {N}",
    "SNIP, normalised": named("SNIP", G, normalised=True),
    "SNIP, un-normalised": named("SNIP", N, normalised=False),
    "GraSP, normalised": named("GraSP", G, normalised=True),
    "GraSP, un-normalised": named("GraSP", N, normalised=False),
    "dense": f"dense, {N}",
}


@dataclass(frozen=True)
class Initial:
    """A pruned network before training.

    masks: bool, of the shape of each weight matrix of the recurrent layer, by its short name such as `weight_ih`.
    run: runs the network on the batch that a criterion reads.
    """

    network: Network
    masks: dict[str, Tensor]
    run: Callable[[], Any]


def initial(experiment: Experiment, seed: int) -> Initial:
    """Return the network of a run as it is when the training of its first stage begins, on the CPU."""
    device = torch.device("cpu")
    parts = assemble(experiment, seed, device)
    evidence = evidence_of(parts, 0, 1, device)
    pruner = parts.plans[0].pruner
    if pruner is not None:
        pruner.step(1, evidence=evidence)
    assert isinstance(parts.model, Network)
    applied = srnn_masks.masks(parts.model)
    masks = {
        name.removeprefix("recurrence."): applied.get(name, torch.ones_like(weight, dtype=torch.bool))
        for name, weight in parts.model.named_parameters()
        if name.startswith("recurrence.") and weight.dim() == 2
    }
    return Initial(parts.model, masks, evidence["run"])


def shown(name: str, size: Sizes) -> Experiment:
    """Return the experiment of a network of `SHOWN`, a GRU of 400 units on sequential MNIST."""
    scheme = schemes(UNITS)[SHOWN[name]]
    return Net("GRU", UNITS, scheme.initialization).trained(TASK, size.training, scheme.pruning)
