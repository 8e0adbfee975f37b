"""Reading the weights that a store keeps beside its results."""

from __future__ import annotations

from safetensors.torch import load_file
from torch import Tensor

from .._errors import BenchError
from ..experiment import Result
from ._store import Store


def weights(
    store: Store, result: Result, stage: str, *, command: str = "srnn run ... --save-weights"
) -> dict[str, Tensor]:
    """Return the tensors that a run had at the end of a stage, on the CPU, by parameter name.

    The bool mask of a masked parameter is `<name>_mask`; the points of the neurons of a penalised parameter,
    `(gates, N, coordinates)`, are `points.<name>`.

    Raises:
        BenchError: If the run did not finish the stage, or its weights were not kept. The message names `command`,
            which makes them.
    """
    names = [finished.name for finished in result.stages]
    if stage not in names:
        raise BenchError(f"stage: expected one that run {result.key} finished ({', '.join(names)}), got {stage!r}")
    path = store.weights_folder(result.key) / f"{stage}.safetensors"
    if not path.exists():
        raise BenchError(
            f"weights of run {result.key}, stage {stage!r}: expected the file {path}, which does not exist; "
            f"create it with `{command}`"
        )
    return load_file(path)
