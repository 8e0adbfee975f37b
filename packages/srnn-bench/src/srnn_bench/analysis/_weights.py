"""The weights of a stored run: parameters, masks, and where the neurons sit."""

from __future__ import annotations

import torch
from safetensors.torch import load_file
from torch import Tensor

from srnn_manifolds import Trained

from .._assemble import assemble
from .._result import Result
from .._store import Store

USUAL = "srnn run ... --save-weights"


def weights(store: Store, result: Result, stage: str, *, command: str = USUAL) -> dict[str, Tensor]:
    """Return what a run held at the end of a stage, on the CPU, by the names of its parameters.

    A masked parameter has its bool mask as `<name>_mask`; where neurons sit, `(gates, N, coordinates)`, is
    `points.<name>`. Raises ValueError where nothing was kept; it names `command`, which makes it.
    """
    known = [held.name for held in result.stages]
    if stage not in known:
        raise ValueError(f"stage: expected one that run {result.key} finished, {', '.join(known)}, got {stage!r}")
    path = store.folder / "weights" / result.key / f"{stage}.safetensors"
    if not path.exists():
        raise ValueError(f"weights of run {result.key}, stage {stage!r}: expected {path}; make it by `{command}`")
    return load_file(path)


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
