"""Learning curves: the training loss by epoch and a validation metric by step, stages one after the other."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..drawing import INK, Drawing, canvas, legend, legend_height, logarithmic, series
from ..experiment import Experiment, StageResult
from ..tables import FilledCell, Summary, evaluations
from ._words import anchor, slug

SPAN = 20.0  # from this ratio of greatest to least loss on, the axis is logarithmic


@dataclass(frozen=True)
class Curve:
    """One stage of one line, which begins at `start`: `values[k]` holds the value of every run at `places[k]`."""

    line: str
    stage: str
    start: float
    places: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]

    @property
    def n(self) -> int:
        """Number of runs that finished the stage."""
        return max(map(len, self.values))


@dataclass(frozen=True)
class Panel:
    """Runs that share axes: `lines` holds one cell for each experiment, by what it is called.

    rows: of the table, whose cells tell which metrics are drawn. names: of all lines that panels of the table may have,
    in the order of their colours. subject: what tells this panel from others of the table.
    """

    rows: tuple[str, ...]
    lines: dict[str, FilledCell]
    names: tuple[str, ...]
    subject: tuple[str, ...]

    def title(self, what: str) -> str:
        """Return a title of what is drawn."""
        return f"{what}: {', '.join(self.subject)}" if self.subject else what

    def file(self, what: str) -> str:
        """Return the name of a drawing."""
        return "-".join([what, *map(slug, self.subject[:1])])


def curves(summary: Summary) -> list[Drawing]:
    """Draw loss and metric over time.

    Where all columns of a row read the same run, there is one panel, a line a row. Else there is a panel each for the
    rows that share their runs, a line a column.
    """
    found = []
    for panel in _panels(summary):
        drawn = [curve for line, cell in panel.lines.items() for curve in _losses(line, cell)]
        if drawn:
            found.append(_loss_panel(summary, panel, drawn))
        for metric in _metrics(summary, panel.rows):
            drawn = [curve for line, cell in panel.lines.items() for curve in _courses(line, cell, metric)]
            if drawn:
                found.append(_metric_panel(summary, panel, drawn, metric))
    return found


def _panels(summary: Summary) -> list[Panel]:
    rows, columns = summary.table.rows, summary.table.columns
    of_row: dict[str, dict[str, FilledCell]] = {
        row: {cell.cell.column: cell for cell in _cells(summary, [row])} for row in rows
    }
    read = {row: {cell.cell.experiment for cell in held.values()} for row, held in of_row.items()}
    if all(len(each) == 1 for each in read.values()):
        runs: dict[Experiment, list[str]] = {}
        for row, (experiment,) in read.items():
            runs.setdefault(experiment, []).append(row)
        if len(runs) > 1:
            lines = {", ".join(same): next(iter(of_row[same[0]].values())) for same in runs.values()}
            return [Panel(rows, lines, names=tuple(lines), subject=())]
    alike: dict[tuple[tuple[str, Experiment], ...], list[str]] = {}
    for row, held in of_row.items():
        alike.setdefault(tuple((column, cell.cell.experiment) for column, cell in held.items()), []).append(row)
    return [Panel(tuple(same), of_row[same[0]], names=columns, subject=tuple(same)) for same in alike.values()]


def _ended(cell: FilledCell) -> Iterator[tuple[str, int, list[StageResult]]]:
    """Give of every stage of a cell's runs its name, its epochs, and what the runs that finished it measured."""
    for stage in cell.cell.experiment.stages:
        held = [result.stage(stage.name) for result in cell.results.values() if result]
        yield stage.name, stage.training.epochs, [found for found in held if found is not None]


def _losses(line: str, cell: FilledCell) -> Iterator[Curve]:
    """Give the training losses of a cell's runs by epoch, counted from the run's begin on."""
    start = 0
    for name, epochs, ended in _ended(cell):
        histories = [found.history for found in ended]
        longest = max(map(len, histories), default=0)
        if longest:
            losses = (tuple(held[epoch].loss for held in histories if epoch < len(held)) for epoch in range(longest))
            places = tuple(float(epoch) for epoch in range(start + 1, start + longest + 1))
            yield Curve(line, name, start + 0.5, places, tuple(losses))
        start += max(longest, epochs)


def _courses(line: str, cell: FilledCell, metric: str) -> Iterator[Curve]:
    """Give the evaluations of a metric in a cell's runs by optimizer step, counted from the run's begin on."""
    start = 0
    for name, _, ended in _ended(cell):
        points: dict[float, list[float]] = {}
        for found in ended:
            for steps, value in evaluations(found, metric):
                points.setdefault(start + steps, []).append(value)
        if points:
            places = tuple(sorted(points))
            yield Curve(line, name, float(start), places, tuple(tuple(points[place]) for place in places))
        start += max((found.steps for found in ended), default=0)  # no later stage where nobody finished this one


def _metrics(summary: Summary, rows: Sequence[str]) -> list[str]:
    """Return the metrics that the cells of some rows read, and whose course may be drawn."""
    metrics = (cell.cell.reading.course for cell in _cells(summary, rows))
    return list(dict.fromkeys(metric for metric in metrics if metric is not None))


def _cells(summary: Summary, rows: Sequence[str]) -> list[FilledCell]:
    places = ((row, column) for row in rows for column in summary.table.columns)
    return [summary.cells[place] for place in places if place in summary.cells]


def _loss_panel(summary: Summary, panel: Panel, drawn: Sequence[Curve]) -> Drawing:
    figure, axes = _axes(panel, drawn)
    losses = [loss for curve in drawn for values in curve.values for loss in values]
    if min(losses) > 0 and max(losses) > SPAN * min(losses):
        logarithmic(axes, "y")
    axes.set(xlabel="epoch", ylabel="training loss")
    caption = (
        f"Mean of the training loss per epoch; the band spans the least and the greatest run. Runs: {_runs(drawn)}."
    )
    name = panel.file(f"{anchor(summary)}-curves")
    return Drawing(name, panel.title("Learning curves"), caption, figure)


def _metric_panel(summary: Summary, panel: Panel, drawn: Sequence[Curve], metric: str) -> Drawing:
    figure, axes = _axes(panel, drawn)
    axes.set(xlabel="optimizer steps", ylabel=f"validation {metric}")
    axes.set_xlim(left=0)
    readings = [cell.cell.reading for cell in _cells(summary, panel.rows)]
    guides = sorted({guide for reading in readings if reading.course == metric for guide in reading.guides()})
    for guide in guides:
        axes.axhline(guide, color=INK, linewidth=0.8, linestyle="dashed")
    caption = (
        f"Mean of {metric} on the validation split; the band spans the least and the greatest run. "
        + (f"Dashed: {', '.join(f'{guide:g}' for guide in guides)}. " if guides else "")
        + f"Runs: {_runs(drawn)}."
    )
    name = panel.file(f"{anchor(summary)}-validation-{slug(metric)}")
    return Drawing(name, panel.title(f"Validation {metric}"), caption, figure)


def _axes(panel: Panel, drawn: Sequence[Curve]) -> tuple[Figure, Axes]:
    looks = {line: series(panel.names.index(line)) for line in _lines(drawn)}
    figure, axes = canvas(2.6 + max(0.5, legend_height(looks)))
    for curve in drawn:
        _draw(axes, curve, looks[curve.line])
    _name_stages(axes, drawn)
    legend(figure, {line: Line2D([], [], **look) for line, look in looks.items()})
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


def _lines(drawn: Sequence[Curve]) -> list[str]:
    return list(dict.fromkeys(curve.line for curve in drawn))


def _runs(drawn: Sequence[Curve]) -> str:
    """Say how many runs each line has, stage by stage where that differs."""
    found = []
    for line in _lines(drawn):
        numbers = [curve.n for curve in drawn if curve.line == line]
        found.append(f"{line} ({numbers[0] if len(set(numbers)) == 1 else ', then '.join(map(str, numbers))})")
    return ", ".join(found)
