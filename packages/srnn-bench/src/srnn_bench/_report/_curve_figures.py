"""Learning curves: the training loss by epoch and a validation metric by step, stages one after the other."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .._experiment import Experiment
from .._readings import AtStep, StepsTo, evaluations
from .._result import StageResult
from .._summary import CellSummary, Summary
from ._drawing import INK, Drawing, canvas, legend, logarithmic, series
from ._words import anchor, slug

SPAN = 20.0  # from this ratio of greatest to least loss on, the axis is logarithmic


@dataclass(frozen=True)
class Curve:
    """One stage of one column, which begins at `start`: `values[k]` holds the value of every run at `places[k]`."""

    column: str
    stage: str
    start: float
    places: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]

    @property
    def n(self) -> int:
        """Number of runs that finished the stage."""
        return max(map(len, self.values))


def curves(summary: Summary) -> list[Drawing]:
    """Draw loss and metric over time: a panel each for the rows that share their runs, a line a column."""
    panels: dict[tuple[tuple[str, Experiment], ...], list[str]] = {}
    for row in summary.table.rows:
        held = ((column, summary.cells.get((row, column))) for column in summary.table.columns)
        panels.setdefault(tuple((column, cell.cell.experiment) for column, cell in held if cell), []).append(row)
    found = []
    for rows in panels.values():
        first = [cell for column in summary.table.columns if (cell := summary.cells.get((rows[0], column)))]
        drawn = [curve for cell in first for curve in _losses(cell)]
        if drawn:
            found.append(_loss_panel(summary, rows, drawn))
        for metric in _metrics(summary, rows):
            drawn = [curve for cell in first for curve in _courses(cell, metric)]
            if drawn:
                found.append(_metric_panel(summary, rows, drawn, metric))
    return found


def _ended(cell: CellSummary) -> Iterator[tuple[str, int, list[StageResult]]]:
    """Give of every stage of a cell's runs its name, its epochs, and what the runs that finished it measured."""
    for stage in cell.cell.experiment.stages:
        held = [result.stage(stage.name) for result in cell.results.values() if result]
        yield stage.name, stage.training.epochs, [found for found in held if found is not None]


def _losses(cell: CellSummary) -> Iterator[Curve]:
    """Give the training losses of a cell's runs by epoch, counted from the run's begin on."""
    start = 0
    for name, epochs, ended in _ended(cell):
        histories = [found.history for found in ended]
        longest = max(map(len, histories), default=0)
        if longest:
            losses = (tuple(held[epoch].loss for held in histories if epoch < len(held)) for epoch in range(longest))
            places = tuple(float(epoch) for epoch in range(start + 1, start + longest + 1))
            yield Curve(cell.cell.column, name, start + 0.5, places, tuple(losses))
        start += max(longest, epochs)


def _courses(cell: CellSummary, metric: str) -> Iterator[Curve]:
    """Give the evaluations of a metric in a cell's runs by optimizer step, counted from the run's begin on."""
    start = 0
    for name, _, ended in _ended(cell):
        points: dict[float, list[float]] = {}
        for found in ended:
            for steps, value in evaluations(found, metric):
                points.setdefault(start + steps, []).append(value)
        if points:
            places = tuple(sorted(points))
            yield Curve(cell.cell.column, name, float(start), places, tuple(tuple(points[place]) for place in places))
        start += max((found.steps for found in ended), default=0)  # no later stage where nobody finished this one


def _metrics(summary: Summary, rows: Sequence[str]) -> list[str]:
    """Return the metrics that the cells of some rows read, and whose course may be drawn."""
    names: dict[str, None] = {}
    for cell in _cells(summary, rows):
        metric = cell.cell.metric
        if isinstance(metric, str | StepsTo | AtStep):
            names[metric if isinstance(metric, str) else metric.metric] = None
    return list(names)


def _cells(summary: Summary, rows: Sequence[str]) -> list[CellSummary]:
    places = ((row, column) for row in rows for column in summary.table.columns)
    return [summary.cells[place] for place in places if place in summary.cells]


def _loss_panel(summary: Summary, rows: Sequence[str], drawn: Sequence[Curve]) -> Drawing:
    figure, axes = _panel(summary, drawn)
    losses = [loss for curve in drawn for values in curve.values for loss in values]
    if min(losses) > 0 and max(losses) > SPAN * min(losses):
        logarithmic(axes, "y")
    axes.set(xlabel="epoch", ylabel="training loss")
    caption = (
        f"Mean of the training loss per epoch; the band spans the least and the greatest run. Runs: {_runs(drawn)}."
    )
    name = f"{anchor(summary)}-curves-{slug(rows[0])}"
    return Drawing(name, f"Learning curves: {', '.join(rows)}", caption, figure)


def _metric_panel(summary: Summary, rows: Sequence[str], drawn: Sequence[Curve], metric: str) -> Drawing:
    figure, axes = _panel(summary, drawn)
    axes.set(xlabel="optimizer steps", ylabel=f"validation {metric}")
    axes.set_xlim(left=0)
    read = [cell.cell.metric for cell in _cells(summary, rows)]
    wanted = sorted({one.threshold for one in read if isinstance(one, StepsTo) and one.metric == metric})
    for threshold in wanted:
        axes.axhline(threshold, color=INK, linewidth=0.8, linestyle="dashed")
    caption = (
        f"Mean of {metric} on the validation split; the band spans the least and the greatest run. "
        + (f"Dashed: {', '.join(f'{threshold:g}' for threshold in wanted)}. " if wanted else "")
        + f"Runs: {_runs(drawn)}."
    )
    name = f"{anchor(summary)}-validation-{slug(metric)}-{slug(rows[0])}"
    return Drawing(name, f"Validation {metric}: {', '.join(rows)}", caption, figure)


def _panel(summary: Summary, drawn: Sequence[Curve]) -> tuple[Figure, Axes]:
    figure, axes = canvas(3.1)
    looks = {column: series(summary.table.columns.index(column)) for column in _columns(drawn)}
    for curve in drawn:
        _draw(axes, curve, looks[curve.column])
    _name_stages(axes, drawn)
    legend(figure, {column: Line2D([], [], **look) for column, look in looks.items()})
    return figure, axes


def _draw(axes: Axes, curve: Curve, look: Mapping[str, Any]) -> None:
    means = [statistics.fmean(values) for values in curve.values]
    every = max(1, len(means) // 5)
    axes.plot(curve.places, means, markevery=(0, every), linewidth=1.5, markersize=4, **look)
    if curve.n > 1:
        low, high = [min(values) for values in curve.values], [max(values) for values in curve.values]
        axes.fill_between(curve.places, low, high, color=look["color"], alpha=0.2, linewidth=0)


def _name_stages(axes: Axes, drawn: Sequence[Curve]) -> None:
    """Write the name of each stage where it begins, and a line before all but the first."""
    starts: dict[float, dict[str, None]] = {}
    for curve in drawn:
        starts.setdefault(curve.start, {})[curve.stage] = None
    for start, names in starts.items():
        if start >= 1:
            axes.axvline(start, color=INK, linewidth=0.8, linestyle="dotted")
        axes.annotate(
            " / ".join(names),
            (start, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(3, 2),
            textcoords="offset points",
            fontsize=8.5,
            fontstyle="italic",
        )


def _columns(drawn: Sequence[Curve]) -> list[str]:
    return list(dict.fromkeys(curve.column for curve in drawn))


def _runs(drawn: Sequence[Curve]) -> str:
    """Say how many runs each column has, stage by stage where that differs."""
    found = []
    for column in _columns(drawn):
        numbers = [curve.n for curve in drawn if curve.column == column]
        found.append(f"{column} {numbers[0] if len(set(numbers)) == 1 else ', then '.join(map(str, numbers))}")
    return ", ".join(found)
