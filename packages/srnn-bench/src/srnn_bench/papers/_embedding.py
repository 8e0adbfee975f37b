"""Embeddings of kept runs."""

from __future__ import annotations

import torch
from torch import Tensor

from srnn_manifolds import Trained

from ..experiment import Result

USUAL = "srnn run ... --save-weights"
from ..training import assemble


def embedding(result: Result, stage: str, held: dict[str, Tensor], parameter: str, *, command: str = USUAL) -> Tensor:
    """Return where the neurons of a parameter sat in a stage, `(gates, N, coordinates)`, given its `weights`.

    Files that were written before embeddings were kept have none; a fixed one is then drawn again, with the same bits.
    """
    if f"points.{parameter}" in held:
        return held[f"points.{parameter}"]
    parts = assemble(result.experiment, result.seed, torch.device("cpu"))
    penalties = parts.penalties
    for plan in parts.plans:
        penalties = plan.penalties or penalties
        if plan.stage.name == stage:
            break
    found = penalties.embeddings.get(f"points.{parameter}")
    if found is None:
        raise ValueError(f"embedding of {parameter}: expected a penalty with places, run {result.key} has none on it")
    if any(isinstance(penalty.regularizer, Trained) for penalty in result.experiment.penalties):
        raise ValueError(f"embedding of {parameter}: it is trained, and was not kept; make it by `{command}`")
    return found.detach()
