"""Reading the weights that a store keeps beside its results."""

from __future__ import annotations

from safetensors.torch import load_file
from torch import Tensor

from ..experiment import Result
from ._store import Store

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
