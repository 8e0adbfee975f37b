"""The sets of entries that are counted and ranked together, and the rows of each gate of a weight."""

from collections.abc import Mapping
from typing import Literal

from torch import Tensor, nn

from ._recurrences import recurrences

Ranking = Literal["global", "per_matrix", "per_gate"]
Group = dict[str, slice]
"""Rows of parameters, by name."""


def groups(module: nn.Module, parameters: Mapping[str, Tensor], ranking: Ranking) -> list[Group]:
    """Return the groups of a ranking, in the order of the parameters and of their rows.

    "global": one group of everything. "per_matrix": one group per parameter. "per_gate": one group per gate of each
    weight of a recurrence, and per parameter that belongs to none. Raises PruningError for "per_gate" if the module has
    no recurrence.
    """
    if ranking == "global":
        return [{name: slice(0, len(parameter)) for name, parameter in parameters.items()}]
    if ranking == "per_matrix":
        return [{name: slice(0, len(parameter))} for name, parameter in parameters.items()]
    return [{name: rows} for name, gates in gate_rows(module, parameters).items() for rows in gates.values()]


def gate_rows(module: nn.Module, parameters: Mapping[str, Tensor]) -> dict[str, dict[str, slice]]:
    """Return the rows of each parameter by gate: those of its recurrence, or all rows as one gate, "".

    Projections and parameters that belong to no recurrence are one gate. Raises PruningError if the module has no
    recurrence.
    """
    gates: dict[int, tuple[str, ...]] = {}  # by identity, because a tied parameter has several names
    for cell in recurrences(module).values():
        for role in ("input", "recurrent"):
            for name in cell.weights.get(role, ()):
                gates[id(module.get_parameter(name))] = cell.gates
    return {name: blocks(len(parameter), gates.get(id(parameter), ("",))) for name, parameter in parameters.items()}


def blocks(rows: int, gates: tuple[str, ...]) -> dict[str, slice]:
    """Return the rows of each gate, blocks of equal size; all rows as one gate, "", if there are no such blocks."""
    size, rest = divmod(rows, len(gates))
    if rest:
        return {"": slice(0, rows)}
    return {gate: slice(place * size, (place + 1) * size) for place, gate in enumerate(gates)}
