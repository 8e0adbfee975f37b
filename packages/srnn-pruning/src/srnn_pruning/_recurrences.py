"""`recurrences`: the recurrent layers of any module as `Cell`s, torch's own layers and those of other packages."""

import inspect
from collections.abc import Iterator
from typing import cast

from torch import nn

from ._cell import Cell as Cell
from ._cell import Recurrent as Recurrent
from ._errors import PruningError
from ._torch_cells import is_torch_cell, is_torch_layer, torch_cells

_ROLES = {"input": "input", "state": "recurrent", "step": "projection"}
_OFFERED = ("step", "output", "inputs", "hidden", "state_size", "matrices", "gate_names")


def recurrences(module: nn.Module) -> dict[str, Cell]:
    """Return one `Cell` per recurrent layer and direction of a module, in the order of the module.

    Recurrent layers are `nn.RNN`, `nn.GRU` and `nn.LSTM`, `nn.RNNCell`, `nn.GRUCell` and `nn.LSTMCell`, and every
    module that offers `Recurrent`; a module that contains others is left out. Keys are the path of a module, for
    torch's layers the path and torch's suffix: "rnn.l0", "rnn.l0_reverse", "rnn.l1". A module with several names is
    listed once, under the first.

    Raises PruningError if there is no recurrence, and for a weight that is computed from other parameters (e.g. by
    `torch.nn.utils.parametrizations.weight_norm`).

    >>> cells = recurrences(nn.GRU(2, 5, bidirectional=True, device="meta"))
    >>> list(cells), cells["l0"].gates, cells["l0"].weights
    (['l0', 'l0_reverse'], ('r', 'z', 'n'), {'input': ('weight_ih_l0',), 'recurrent': ('weight_hh_l0',)})
    """
    cells = all_cells(module)
    if not cells:
        raise PruningError(
            f"{type(module).__name__}: expected a recurrent layer (nn.RNN, nn.GRU, nn.LSTM, their cells, or a module "
            f"that offers {', '.join(_OFFERED)}), got none in {len(list(module.modules()))} modules (the layers of a "
            "scripted module are not found: prune before scripting)"
        )
    for cell in cells.values():
        for name in (name for names in cell.weights.values() for name in names):
            _check_plain(module, name)
    return cells


def all_cells(module: nn.Module) -> dict[str, Cell]:
    """Return the cells of `recurrences`, without its errors: none, or cells whose weights are computed from others."""
    cells: dict[str, Cell] = {}
    for path, recurrent in recurrent_modules(module):
        cells.update(cells_of(path, recurrent))
    return cells


def recurrent_modules(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield path and module of each recurrence, in the order of the module."""
    for path, child in module.named_modules():
        if _is_recurrent(child) and not any(_is_recurrent(inner) for inner in child.modules() if inner is not child):
            yield path, child


def cells_of(path: str, module: nn.Module) -> dict[str, Cell]:
    """Return the cells of one recurrence that has this path."""
    if is_torch_layer(module) or is_torch_cell(module):
        return torch_cells(path, module)
    return {path: _offered_cell(path, cast(Recurrent, module))}


def _offered_cell(path: str, module: Recurrent) -> Cell:
    matrices = {f"{path}.{name}" if path else name: matrix for name, matrix in module.matrices().items()}
    weights: dict[str, tuple[str, ...]] = {"input": (), "recurrent": ()}
    for name, matrix in matrices.items():
        role = _role(name, matrix.source)
        weights[role] = (*weights.get(role, ()), name)
    return Cell(
        step=module.step,
        output=module.output,
        inputs=module.inputs,
        hidden=module.hidden,
        state_size=module.state_size,
        gates=tuple(module.gate_names),
        weights=weights,
        offsets={name: matrix.offset for name, matrix in matrices.items() if matrix.offset},
    )


def _role(name: str, source: str) -> str:
    if source not in _ROLES:
        raise PruningError(f"{name}: expected a source of {', '.join(map(repr, _ROLES))}, got {source!r}")
    return _ROLES[source]


def _is_recurrent(module: nn.Module) -> bool:
    return is_torch_layer(module) or is_torch_cell(module) or _offers(module)


def _offers(module: nn.Module) -> bool:
    """Return whether a module offers `Recurrent`, without evaluating its properties."""
    missing = object()
    return all(inspect.getattr_static(module, name, missing) is not missing for name in _OFFERED)


def _check_plain(module: nn.Module, name: str) -> None:
    path, _, leaf = name.rpartition(".")
    owner = module.get_submodule(path)
    if not hasattr(owner, leaf):
        raise PruningError(f"{name}: expected a parameter, got no such attribute of {type(owner).__name__}")
    if owner._parameters.get(leaf) is None:
        raise PruningError(
            f"{name}: expected a parameter, got a weight that {type(owner).__name__} computes from other parameters; "
            "remove its parametrization first"
        )
