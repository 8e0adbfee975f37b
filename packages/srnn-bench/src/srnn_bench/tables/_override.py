"""`--set` for tables: fields changed in every experiment of a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from .._errors import BenchError
from ..experiment import Experiment, has_path, parse_settings, unknown_path, with_values
from ._cell import Cell
from ._table import Relatives, Table


def override_table(table: Table, settings: Sequence[str]) -> Table:
    """Return the table with the settings (`path=value`) applied to every experiment that has their paths.

    The title and the labels of the runs name the settings. The plan of the table was made for other experiments: the
    changed table is exploratory.

    Raises:
        BenchError: For a mistake that `override` refuses too; for a path that no experiment has; if two experiments of
            the table become equal, since its rows and columns would then name differences that no longer exist; if the
            stage of a cell no longer exists.
    """
    if not settings:
        return table
    values = parse_settings(settings)
    cells: dict[Experiment, Cell] = {}  # the first cell of each experiment
    for cell in table.cells:
        cells.setdefault(cell.experiment, cell)
    for path in values:
        if not any(has_path(experiment, path) for experiment in cells):
            raise unknown_path(path, cells)
    changed: dict[Experiment, Experiment] = {}
    for experiment, cell in cells.items():
        present = {path: value for path, value in values.items() if has_path(experiment, path)}
        try:
            changed[experiment] = with_values(experiment, present) if present else experiment
        except BenchError as error:
            raise BenchError(f"{error} ({cell.name})") from error
    applied = ", ".join(settings)
    _check_cells(table, changed, applied)
    return replace(
        table,
        title=f"{table.title} [set: {applied}]",
        settings=(*table.settings, *settings),
        plan=replace(table.plan, seeds=(), looks=()),
        relatives=partial(_changed_relatives, table.relatives, settings),
        cells=tuple(replace(cell, experiment=changed[cell.experiment]) for cell in table.cells),
    )


def _changed_relatives(relatives: Callable[[], Relatives], settings: Sequence[str]) -> Relatives:
    """Return the relatives with the same settings."""
    found = relatives()
    return replace(
        found,
        siblings=tuple(_changed(table, settings) for table in found.siblings),
        readings=tuple(_changed(table, settings) for table in found.readings),
    )


def _changed(table: Table, settings: Sequence[str]) -> Table:
    """Return the table with the settings, or as it is if they do not fit."""
    try:
        return override_table(table, settings)
    except BenchError:
        return table


def _check_cells(table: Table, changed: dict[Experiment, Experiment], applied: str) -> None:
    """Raise BenchError if two experiments became equal or the stage of a cell is gone."""
    owners: dict[Experiment, Cell] = {}
    for cell in table.cells:
        experiment = changed[cell.experiment]
        other = owners.setdefault(experiment, cell)
        if other.experiment != cell.experiment:
            raise BenchError(
                f"set: {applied} makes the experiments of {other.name} and {cell.name} in {table.name} equal; to run "
                "one of them with this setting, set it in an experiment file"
            )
        stages = [stage.name for stage in experiment.stages]
        if cell.stage not in stages:
            raise BenchError(
                f"set: {applied} leaves no stage {cell.stage!r}, which {cell.name} of {table.name} shows; "
                f"the stages would be {', '.join(stages)}"
            )
