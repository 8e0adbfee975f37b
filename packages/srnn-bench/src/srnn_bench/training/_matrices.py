"""The weight matrices of a model: which ones a glob names, how many gates they have, and which are recurrent."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from torch import nn

from srnn_models import Matrix

from .._errors import BenchError

# torch's own layers have no attribute for their gates
GATES = {nn.RNN: 1, nn.RNNCell: 1, nn.GRU: 3, nn.GRUCell: 3, nn.LSTM: 4, nn.LSTMCell: 4}


def matrices_of(model: nn.Module) -> dict[str, Matrix]:
    """Return the gates of every weight matrix of a model, and whether it is recurrent, by parameter name.

    A module with a method `matrices()` describes its own parameters, as every network of `srnn_models` does, and
    torch's recurrent layers and cells are known. Any other parameter of two dimensions has one gate and is not
    recurrent.
    """
    described = dict(_described(model, ""))
    names = [name for name, parameter in model.named_parameters() if parameter.dim() == 2]
    return {name: described.get(name, Matrix()) for name in names}


def matching(model: nn.Module, glob: str, field: str) -> list[tuple[str, nn.Parameter]]:
    """Return the weight matrices whose names match, by name. Raises `BenchError`, which names `field`, for no match."""
    matrices = {name: parameter for name, parameter in model.named_parameters() if parameter.dim() == 2}
    matches = [(name, parameter) for name, parameter in matrices.items() if fnmatchcase(name, glob)]
    if not matches:
        raise BenchError(f"{field}: {glob!r} matches no weight matrix of the model; it has {', '.join(matrices)}")
    return matches


def _described(module: nn.Module, prefix: str) -> Iterator[tuple[str, Matrix]]:
    """Yield what is known of the parameters of a module, whose names begin with `prefix`."""
    gates = next((gates for kind, gates in GATES.items() if isinstance(module, kind)), None)
    describe = getattr(module, "matrices", None)
    if callable(describe):
        for name, matrix in describe().items():
            yield f"{prefix}{name}", matrix
    elif gates is not None:
        for name, _ in module.named_parameters(recurse=False):
            yield f"{prefix}{name}", _of_torch(name, gates, projected=getattr(module, "proj_size", 0) > 0)
    else:
        for name, child in module.named_children():
            yield from _described(child, f"{prefix}{name}.")


def _of_torch(name: str, gates: int, *, projected: bool) -> Matrix:
    """Return the matrix of a parameter of one of torch's recurrent layers.

    In an LSTM with projection to P numbers, `weight_hr` (P, N) has no gates, and `weight_hh` (4N, P) reads the
    projections instead of the N neurons.
    """
    if name.startswith("weight_hr"):
        return Matrix()
    return Matrix(gates, recurrent=name.startswith("weight_hh") and not projected)
