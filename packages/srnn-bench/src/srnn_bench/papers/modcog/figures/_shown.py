"""The networks that figures of trained networks show: table, row and column of each."""

from __future__ import annotations

from ....tables import Scale, Table
from .. import PAPER, SIZES

SIMPLE, BATTERY, LARGE = "figure2a", "figure7b", "figure5"


def shown_networks(scale: Scale) -> list[tuple[Table, str, str]]:
    """Return table, row and column of each network; each network occurs once.

    Autapses on the simple tasks (Figure 3); all networks of Figures 7b to 10 at the end of training; on the sheet of
    Table 1 its larger mask and the dense network (Figures 11 and 12).
    """
    simple, battery, large = (PAPER.table(name, scale) for name in (SIMPLE, BATTERY, LARGE))
    last = battery.columns[-1]
    by_experiment = {cell.experiment: cell.row for cell in battery.cells if cell.column == last}  # dense comes last
    of_table1 = (f"LM d = {SIZES[scale].table_radii[1]:g}", "dense")
    others = {cell.experiment: cell.row for cell in large.cells if cell.row in of_table1}
    return [
        (simple, simple.rows[0], simple.columns[0]),
        *((battery, row, last) for row in battery.rows if row in by_experiment.values()),
        *((large, row, large.columns[0]) for experiment, row in others.items() if experiment not in by_experiment),
    ]
