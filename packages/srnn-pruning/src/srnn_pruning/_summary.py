"""The summary of a pruned module as a value: kept weights by matrix and gate, and what each recurrence reads."""

import math
from collections.abc import Sequence
from typing import Literal

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

    `name`: key in `recurrences(module)`, "" for the module itself. `units`: number of units, rows per gate.
    `without_recurrent`: units that keep no recurrent weight in any gate. `reading_nothing`: units that keep no weight
    at all. `empty_gates`: gates of which no weight is kept, in the input and recurrent matrices together.
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
    def label(self) -> str:
        """The name as it is printed."""
        return self.name or "(module)"

    @property
    def warnings(self) -> tuple[str, ...]:
        """One sentence per defect: no weight is kept at all, no input weight, or none of a gate."""
        if not self.input_kept and not self.recurrent_kept:
            return (f"{self.label} keeps no weight at all, so its state depends on its biases only",)
        found = []
        if self.input_entries and not self.input_kept:
            found.append(f"{self.label} keeps none of its {self.input_entries:,} input weights, so it reads no input")
        for gate in self.empty_gates:
            found.append(f"{self.label} keeps no weight of gate {gate}, so only its bias sets this gate")
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
            (
                "" if row.gate else row.name,
                row.gate,
                " x ".join(map(str, row.shape)),
                f"{row.kept:,}",
                _number(row.density),
            )
            for row in self.rows
        ]
        text = _table(head, lines, "<<>>>")
        if self.recurrences:
            head = ("recurrence", "units", "without recurrent input", "reading nothing", "input/recurrent", "dense")
            lines = [
                (
                    row.label,
                    *map(str, (row.units, row.without_recurrent, row.reading_nothing)),
                    *map(_number, (row.ratio, row.dense_ratio)),
                )
                for row in self.recurrences
            ]
            text += "\n\n" + _table(head, lines, "<>>>>>")
        return text + "".join(f"\n\nwarning: {warning}" for warning in self.warnings)


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], sides: str) -> str:
    """Return rows of text aligned in columns; `sides` has "<" or ">" per column."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)).rstrip()
        for row in (head, *rows)
    )
