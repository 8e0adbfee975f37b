"""The recurrent cells of a module together with the parameters in scope that belong to each."""

from collections.abc import Mapping

from torch import Tensor, nn

from .._errors import PruningError
from .._recurrences import Cell, recurrences

CellsInScope = dict[str, tuple[Cell, dict[str, Tensor]]]


def cells_in_scope(module: nn.Module | None, parameters: Mapping[str, Tensor]) -> CellsInScope:
    """Return each cell that has weights among `parameters`, with these, by the key of the cell and their names.

    A parameter that several cells share belongs to each. Raises PruningError for a parameter that belongs to no
    recurrence.
    """
    if module is None:
        raise PruningError("module: expected the module that the parameters belong to, got None")
    names = {id(parameter): name for name, parameter in parameters.items()}  # a tied parameter has several
    cells: CellsInScope = {}
    for key, cell in recurrences(module).items():
        all_weights = [module.get_parameter(name) for group in cell.weights.values() for name in group]
        in_scope: dict[str, Tensor] = {names[id(weight)]: weight for weight in all_weights if id(weight) in names}
        if in_scope:
            cells[key] = cell, in_scope
    for name in parameters:
        if not any(name in weights for _, weights in cells.values()):
            raise PruningError(
                f"{name}: expected a weight of the recurrences {list(recurrences(module))}, got one that belongs to "
                "none; leave it out of the scope"
            )
    return cells
