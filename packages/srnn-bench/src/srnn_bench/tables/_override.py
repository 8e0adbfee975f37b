"""Changing fields in every experiment of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from ..experiment import Absent, Draft, Experiment, Path, paths
from ..experiment._override import _drafted, _read, _validated
from ._cell import Cell
from ._table import Table


def override_table(table: Table, settings: Sequence[str]) -> Table:
    """Return the table with the settings made in every experiment that has their paths; its title tells of them.

    A path that no experiment has is an error. So is a setting that makes two experiments of the table one: its rows
    and columns would bear the names of differences that are gone, and its claims would compare runs with themselves.
    And so is one that takes the stage of a cell away.
    """
    if not settings:
        return table
    wanted = _read(settings)
    cells: dict[Experiment, Cell] = {}  # the first of each experiment
    for cell in table.cells:
        cells.setdefault(cell.experiment, cell)
    drafts: dict[Experiment, Draft] = {}
    absent: dict[Experiment, dict[Path, Absent]] = {}
    for old, cell in cells.items():
        with _told_of(cell):
            drafts[old], absent[old] = _drafted(old, wanted)
    for path in wanted:
        if all(path in missing for missing in absent.values()):
            farthest = max((missing[path] for missing in absent.values()), key=lambda one: one.depth)
            raise farthest.error(known for draft in drafts.values() for known in paths(draft))
    changed: dict[Experiment, Experiment] = {}
    for old, cell in cells.items():
        there = {path: value for path, value in wanted.items() if path not in absent[old]}
        with _told_of(cell):
            changed[old] = _validated(drafts[old], there) if there else old
    made = ", ".join(settings)
    taken: dict[Experiment, Cell] = {}
    for cell in table.cells:
        new = changed[cell.experiment]
        other = taken.setdefault(new, cell)
        if other.experiment != cell.experiment:
            raise ValueError(
                f"set: {made} makes one experiment of two that {table.name} tells apart: {other.name} and "
                f"{cell.name}; to run it alone, set it in an experiment file"
            )
        stages = [stage.name for stage in new.stages]
        if cell.stage not in stages:
            raise ValueError(
                f"set: {made} leaves no stage {cell.stage!r}, which {cell.name} of {table.name} shows; "
                f"there would be {', '.join(stages)}"
            )
    return replace(
        table,
        title=f"{table.title} [set: {made}]",
        cells=tuple(replace(cell, experiment=changed[cell.experiment]) for cell in table.cells),
    )


@contextmanager
def _told_of(cell: Cell) -> Iterator[None]:
    """Add to an error of which cell it is."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{error} ({cell.name})") from error
