"""The networks that figures of trained networks show: table, row and column of each."""

from __future__ import annotations

from ...tables import Scale, Table
from . import TABLES
from ._sizes import SIZES

SIMPLE, BATTERY, LARGE = "modcog/figure2a", "modcog/figure7b", "modcog/figure5"


def places(scale: Scale) -> list[tuple[Table, str, str]]:
    """Return table, row and column of each network, each network once.

    Autapses on the simple tasks (Figure 3); all networks of Figures 7b to 10, after all their training; on the sheet of
    Table 1 its larger mask and the dense network (Figures 11 and 12).
    """
    simple, battery, large = (TABLES[name](scale) for name in (SIMPLE, BATTERY, LARGE))
    last = battery.columns[-1]
    shown = {cell.experiment: cell.row for cell in battery.cells if cell.column == last}  # the dense network comes last
    of_table1 = (f"LM d = {SIZES[scale].table_radii[1]:g}", "dense")
    others = {cell.experiment: cell.row for cell in large.cells if cell.row in of_table1}
    return [
        (simple, simple.rows[0], simple.columns[0]),
        *((battery, row, last) for row in battery.rows if row in shown.values()),
        *((large, row, large.columns[0]) for experiment, row in others.items() if experiment not in shown),
    ]
