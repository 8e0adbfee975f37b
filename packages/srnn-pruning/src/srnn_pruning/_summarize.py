"""What masks leave of a module: counts by matrix and gate, and what the units of each recurrence can still read."""

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn

import srnn_masks

from ._edge_weights import refuse_edges
from ._errors import PruningError
from ._groups import blocks
from ._recurrences import Cell, all_cells
from ._scope import in_scope, masks_of
from ._summary import KeptRow, RecurrenceRow, Summary


def summarize(module: nn.Module, scope: Iterable[str] = ()) -> Summary:
    """Return what the masks on a module leave: of the weights of its recurrences and of further weights in `scope`.

    A weight without a mask counts as kept whole, and one with a parametrization as the weight that is used. `scope`:
    globs over full parameter names, as in `Pruning`. A module without recurrences has rows of whole matrices only.
    Raises PruningError for a glob that matches no weight, and for a recurrence that lacks one of its weights or has one
    that is given by its edges.
    """
    cells = all_cells(module)
    weights = srnn_masks.maskable(module)
    names = dict.fromkeys(name for cell in cells.values() for group in cell.weights.values() for name in group)
    refuse_edges(module, names)
    for name in names:
        if name not in weights:
            raise PruningError(f"{name}: expected a weight of a recurrence, got no such parameter")
    others = in_scope(module, scope) if scope else {}
    masks = masks_of(module, {name: weights[name] for name in names} | others)
    known: dict[int, str] = {}  # the first name of each weight, by identity
    for name in names:
        known.setdefault(id(weights[name]), name)
    tied = {name: known[id(weights[name])] for name in names if known[id(weights[name])] != name}
    rows = [
        row.model_copy(update={"tied_to": tied.get(row.name, "")})
        for key, cell in cells.items()
        for row in _rows(key, cell, masks)
    ]
    rows += [_row(name, masks[name]) for name, weight in others.items() if id(weight) not in known]
    return Summary(rows=tuple(rows), recurrences=tuple(_recurrence(key, cell, masks) for key, cell in cells.items()))


def _rows(key: str, cell: Cell, masks: Mapping[str, Tensor]) -> Iterator[KeptRow]:
    for role, names in cell.weights.items():
        for name in names:
            yield _row(name, masks[name], recurrence=key, role=role)
            gates = blocks(len(masks[name]), cell.gates if role in ("input", "recurrent") else ("",))
            if len(gates) > 1:
                for gate, rows in gates.items():
                    yield _row(name, masks[name][rows], recurrence=key, role=role, gate=gate)


def _row(name: str, mask: Tensor, *, recurrence: str = "", role: str = "", gate: str = "") -> KeptRow:
    kept = int(mask.count_nonzero())
    return KeptRow(name=name, recurrence=recurrence, role=role, gate=gate, shape=tuple(mask.shape), kept=kept)


def _recurrence(key: str, cell: Cell, masks: Mapping[str, Tensor]) -> RecurrenceRow:
    inputs, recurrent = ({name: masks[name] for name in cell.weights.get(role, ())} for role in ("input", "recurrent"))
    ends = [cell.offsets.get(name, 0) + len(mask) // len(cell.gates) for name, mask in recurrent.items()]
    units = max(ends, default=cell.hidden)
    reads_state = _reads(cell, recurrent, units)  # (G, N)
    reads = reads_state | _reads(cell, inputs, units)  # (G, N)
    used = reads.any(1).tolist()
    return RecurrenceRow(
        name=key,
        units=units,
        without_recurrent=int((~reads_state.any(0)).count_nonzero()),
        reading_nothing=int((~reads.any(0)).count_nonzero()),
        input_kept=_kept(inputs.values()),
        input_entries=sum(mask.numel() for mask in inputs.values()),
        recurrent_kept=_kept(recurrent.values()),
        recurrent_entries=sum(mask.numel() for mask in recurrent.values()),
        empty_gates=tuple(gate for gate, any_kept in zip(cell.gates, used, strict=True) if not any_kept),
    )


def _reads(cell: Cell, masks: Mapping[str, Tensor], units: int) -> Tensor:
    """Return whether each unit keeps a weight in each gate, (G, N), by masks (G n, cols) of n of the units each."""
    reads = torch.zeros(len(cell.gates), units, dtype=torch.bool)
    for name, mask in masks.items():
        count, rest = divmod(len(mask), len(cell.gates))
        place = reads[:, cell.offsets.get(name, 0) :][:, :count]  # (G, n)
        if not rest and place.shape[1] == count:
            place |= mask.any(1).cpu().view(-1, count)
    return reads


def _kept(masks: Iterable[Tensor]) -> int:
    return sum(int(mask.count_nonzero()) for mask in masks)
