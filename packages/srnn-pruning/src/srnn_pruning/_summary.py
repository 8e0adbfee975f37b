"""The summary of a pruned module as a value: kept weights by matrix and gate, and what each recurrence reads."""

import math
from collections.abc import Iterator, Sequence
from typing import Literal

from ._value import Value


class KeptRow(Value):
    """Kept weights of a matrix, or of the rows of one of its gates.

    `name`: full parameter name. `recurrence`: key in `recurrences(module)`, "" for a matrix outside of them. `role`:
    "input", "recurrent" or "projection", "" outside. `gate`: name of the gate, "" for the whole matrix. `tied_to`: the
    first name of a parameter that has several, in the rows of its other names, whose weights count once in all.
    """

    name: str
    recurrence: str = ""
    role: str = ""
    gate: str = ""
    shape: tuple[int, ...]
    kept: int
    tied_to: str = ""

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
        defects = []
        if self.input_entries and not self.input_kept:
            defects.append(f"{self.label} keeps none of its {self.input_entries:,} input weights, so it reads no input")
        for gate in self.empty_gates:
            defects.append(f"{self.label} keeps no weight of gate {gate}, so only its bias sets this gate")
        return tuple(defects)


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
        """One sentence per recurrence without any input weight or projection, and per gate without any weight."""
        return tuple(text for row in self.recurrences for text in (*row.warnings, *self._projections(row)))

    def _projections(self, recurrence: RecurrenceRow) -> Iterator[str]:
        """Yield a sentence per projection of a recurrence that keeps no weight."""
        for row in self.rows:
            entries: int = math.prod(row.shape)
            if row.role == "projection" and row.recurrence == recurrence.name and entries and not row.kept:
                yield f"{recurrence.label} keeps none of its {entries:,} projection weights, so its output is always 0"

    def __str__(self) -> str:
        parts = [_matrices(self.rows)]
        if self.recurrences:
            parts.append(_recurrences(self.recurrences))
        return "\n\n".join(parts + [f"warning: {warning}" for warning in self.warnings])


def _matrices(rows: Sequence[KeptRow]) -> str:
    """Return kept weights as text: one line per matrix, one per gate below it."""
    lines = [("matrix", "gate", "shape", "kept", "density")]
    for row in rows:
        shape = " x ".join(map(str, row.shape))
        name = f"{row.name} (tied to {row.tied_to})" if row.tied_to else row.name
        lines.append(("" if row.gate else name, row.gate, shape, f"{row.kept:,}", _number(row.density)))
    return _table(lines, "<<>>>")


def _recurrences(rows: Sequence[RecurrenceRow]) -> str:
    """Return what the units read as text: one line per recurrence."""
    lines = [("recurrence", "units", "without recurrent input", "reading nothing", "input/recurrent", "if dense")]
    for row in rows:
        units, blind, idle = map(str, (row.units, row.without_recurrent, row.reading_nothing))
        lines.append((row.label, units, blind, idle, _number(row.ratio), _number(row.dense_ratio)))
    return _table(lines, "<>>>>>")


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"


def _table(rows: Sequence[Sequence[str]], sides: str) -> str:
    """Return rows of text aligned in columns; `sides` has "<" or ">" per column."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)).rstrip()
        for row in rows
    )
