"""What masks leave of a module: kept weights by matrix and gate, and what each recurrence can still read."""

import math
from collections.abc import Iterable, Sequence
from typing import Literal

from torch import Tensor, nn

import srnn_masks

from ._errors import PruningError
from ._recurrences import Cell, recurrences
from ._scope import in_scope, masks_of
from ._value import Value


class KeptRow(Value):
    """Kept weights of a matrix, or of the rows of one of its gates.

    `name`: full parameter name. `recurrence`: key in `recurrences(module)`, "" for a matrix outside of them. `role`:
    "input", "recurrent" or "projection", "" outside. `gate`: name of the gate, "" for the whole matrix.
    """

    name: str
    recurrence: str = ""
    role: str = ""
    gate: str = ""
    shape: tuple[int, ...]
    kept: int

    @property
    def density(self) -> float:
        """Share of the entries that are kept; NaN without entries."""
        return self.kept / math.prod(self.shape) if math.prod(self.shape) else math.nan


class RecurrenceRow(Value):
    """What the units of one recurrence can still read.

    `name`: key in `recurrences(module)`. `units`: number of units, rows per gate. `without_recurrent`: units that keep
    no recurrent weight in any gate. `reading_nothing`: units that keep no weight at all. `empty_gates`: gates of which
    no weight is kept, in the input and recurrent matrices together.
    """

    name: str
    units: int
    without_recurrent: int
    reading_nothing: int
    input_kept: int
    input_entries: int
    recurrent_kept: int
    recurrent_entries: int
    empty_gates: tuple[str, ...] = ()

    @property
    def ratio(self) -> float:
        """Kept input weights per kept recurrent weight; NaN where no recurrent weight is kept."""
        return self.input_kept / self.recurrent_kept if self.recurrent_kept else math.nan

    @property
    def dense_ratio(self) -> float:
        """Input weights per recurrent weight without masks; NaN without recurrent weights."""
        return self.input_entries / self.recurrent_entries if self.recurrent_entries else math.nan

    @property
    def warnings(self) -> tuple[str, ...]:
        """One sentence per defect: no input weight is kept, or none of a gate."""
        found = []
        if self.input_entries and not self.input_kept:
            found.append(f"{self.name} keeps none of its {self.input_entries:,} input weights, so it reads no input")
        for gate in self.empty_gates:
            found.append(f"{self.name} keeps no weight of gate {gate}, so only its bias sets this gate")
        return tuple(found)


class Summary(Value):
    """Kept weights by matrix and gate, and what each recurrence can still read; `print` shows it as tables.

    `rows` has one row per matrix, followed by one per gate where a matrix has several. It contains every weight of the
    recurrences, pruned or not, and then the other matrices.
    """

    kind: Literal["summary"] = "summary"
    rows: tuple[KeptRow, ...]
    recurrences: tuple[RecurrenceRow, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """One sentence per recurrence that keeps no input weight, and per gate that keeps no weight."""
        return tuple(text for row in self.recurrences for text in row.warnings)

    def __str__(self) -> str:
        head = ("matrix", "gate", "shape", "kept", "density")
        lines = [
            ("" if row.gate else row.name, row.gate, " x ".join(map(str, row.shape)), f"{row.kept:,}", _share(row))
            for row in self.rows
        ]
        text = _table(head, lines, "<<>>>")
        if self.recurrences:
            head = ("recurrence", "units", "without recurrent input", "reading nothing", "input/recurrent", "dense")
            lines = [
                (row.name, str(row.units), str(row.without_recurrent), str(row.reading_nothing))
                + (_number(row.ratio), _number(row.dense_ratio))
                for row in self.recurrences
            ]
            text += "\n\n" + _table(head, lines, "<>>>>>")
        return text + "".join(f"\n\nwarning: {warning}" for warning in self.warnings)


def summarize(module: nn.Module, scope: Iterable[str] = ()) -> Summary:
    """Return what the masks on a module leave: of the weights of its recurrences and of further weights in `scope`.

    A weight without a mask counts as kept whole. `scope`: globs over full parameter names, as in `Pruning`. A module
    without recurrences has rows of whole matrices only. Raises PruningError for a glob that matches no weight.
    """
    try:
        cells = recurrences(module)
    except PruningError:
        cells = {}
    weights = srnn_masks.maskable(module)
    names = dict.fromkeys(name for cell in cells.values() for group in cell.weights.values() for name in group)
    others = in_scope(module, scope) if scope else {}
    masks = masks_of(module, {name: weights[name] for name in names} | others)
    rows = [row for key, cell in cells.items() for row in _rows(key, cell, masks)]
    known = {id(weights[name]) for name in names}
    rows += [_row(name, masks[name]) for name, weight in others.items() if id(weight) not in known]
    return Summary(rows=tuple(rows), recurrences=tuple(_recurrence(key, cell, masks) for key, cell in cells.items()))


def _rows(key: str, cell: Cell, masks: dict[str, Tensor]) -> list[KeptRow]:
    rows = []
    for role, names in cell.weights.items():
        for name in names:
            rows.append(_row(name, masks[name], recurrence=key, role=role))
            parts = _by_gate(masks[name], cell) if role != "projection" else {}
            if len(parts) > 1:
                rows += [_row(name, part, recurrence=key, role=role, gate=gate) for gate, part in parts.items()]
    return rows


def _row(name: str, mask: Tensor, *, recurrence: str = "", role: str = "", gate: str = "") -> KeptRow:
    kept = int(mask.count_nonzero())
    return KeptRow(name=name, recurrence=recurrence, role=role, gate=gate, shape=tuple(mask.shape), kept=kept)


def _by_gate(mask: Tensor, cell: Cell) -> dict[str, Tensor]:
    """Return the rows of each gate (N, cols) of a mask (G N, cols)."""
    return dict(zip(cell.gates, mask.chunk(len(cell.gates)), strict=True))


def _recurrence(key: str, cell: Cell, masks: dict[str, Tensor]) -> RecurrenceRow:
    inputs, recurrent = ([masks[name] for name in cell.weights.get(role, ())] for role in ("input", "recurrent"))
    reads_state = _units(recurrent, cell)  # (G, N)
    reads = reads_state | _units(inputs, cell)  # (G, N)
    return RecurrenceRow(
        name=key,
        units=reads.shape[1],
        without_recurrent=int((~reads_state.any(0)).sum()),
        reading_nothing=int((~reads.any(0)).sum()),
        input_kept=_kept(inputs),
        input_entries=sum(mask.numel() for mask in inputs),
        recurrent_kept=_kept(recurrent),
        recurrent_entries=sum(mask.numel() for mask in recurrent),
        empty_gates=tuple(gate for gate, any_kept in zip(cell.gates, reads.any(1).tolist(), strict=True) if not any_kept),
    )


def _units(masks: Sequence[Tensor], cell: Cell) -> Tensor:
    """Return whether each unit keeps a weight in each gate, (G, N), from masks (G N, cols)."""
    gates = len(cell.gates)
    found = masks[0].any(1)
    for mask in masks[1:]:
        found = found | mask.any(1)
    return found.view(gates, -1).cpu()


def _kept(masks: Iterable[Tensor]) -> int:
    return sum(int(mask.count_nonzero()) for mask in masks)


def _share(row: KeptRow) -> str:
    return _number(row.density)


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], sides: str) -> str:
    """Return rows of text aligned in columns; `sides` has "<" or ">" per column."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)).rstrip()
        for row in (head, *rows)
    )
