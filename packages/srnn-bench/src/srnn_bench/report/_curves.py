"""Learning curves as numbers: training loss by epoch and validation metrics by step, and which of them share axes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..experiment import Experiment, StageResult
from ..tables import FilledCell, Summary, evaluations


@dataclass(frozen=True)
class Curve:
    """One stage of one line: `values[k]` are the values of all runs at `places[k]`; the stage begins at `start`."""

    line: str
    stage: str
    start: float
    places: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]

    @property
    def n(self) -> int:
        """Number of runs that finished the stage."""
        return max(map(len, self.values))


@dataclass(frozen=True, eq=False)
class Panel:
    """Runs that share axes: `lines` has one cell per experiment, by the name of its line.

    rows: rows of the table whose cells determine which metrics are drawn. names: names of all lines that panels of the
    table may have, in the order of their colours. title: names that distinguish this panel from others of the table.
    """

    rows: tuple[str, ...]
    lines: dict[str, FilledCell]
    names: tuple[str, ...]
    title: str


def panels_of(summary: Summary) -> list[Panel]:
    rows, columns = summary.table.rows, summary.table.columns
    of_row: dict[str, dict[str, FilledCell]] = {
        row: {cell.cell.column: cell for cell in cells_of(summary, [row])} for row in rows
    }
    experiments = {row: {cell.cell.experiment for cell in cells.values()} for row, cells in of_row.items()}
    if all(len(each) == 1 for each in experiments.values()):
        rows_of: dict[Experiment, list[str]] = {}
        for row, (experiment,) in experiments.items():
            rows_of.setdefault(experiment, []).append(row)
        if len(rows_of) > 1:
            lines = {", ".join(same): next(iter(of_row[same[0]].values())) for same in rows_of.values()}
            return [Panel(rows, lines, names=tuple(lines), title="")]
    groups: dict[tuple[tuple[str, Experiment], ...], list[str]] = {}
    for row, cells in of_row.items():
        groups.setdefault(tuple((column, cell.cell.experiment) for column, cell in cells.items()), []).append(row)
    return [Panel(tuple(same), of_row[same[0]], names=columns, title=", ".join(same)) for same in groups.values()]


def _finished(cell: FilledCell) -> Iterator[tuple[str, int, list[StageResult]]]:
    """Yield the name of each stage of a cell, its number of epochs, and the stages of the runs that finished it."""
    for stage in cell.cell.experiment.stages:
        stages = [result.stage(stage.name) for result in cell.results.values() if result]
        yield stage.name, stage.training.epochs, [finished for finished in stages if finished is not None]


def loss_curves(line: str, cell: FilledCell) -> Iterator[Curve]:
    """Yield the training losses of the runs of a cell by epoch, counted from the start of the run."""
    start = 0
    for name, epochs, stages in _finished(cell):
        histories = [stage.history for stage in stages]
        longest = max(map(len, histories), default=0)
        if longest:
            losses = (
                tuple(history[epoch].loss for history in histories if epoch < len(history)) for epoch in range(longest)
            )
            places = tuple(float(epoch) for epoch in range(start + 1, start + longest + 1))
            yield Curve(line, name, start + 0.5, places, tuple(losses))
        start += max(longest, epochs)


def metric_curves(line: str, cell: FilledCell, metric: str) -> Iterator[Curve]:
    """Yield the evaluations of a metric in the runs of a cell by optimizer step, counted from the start of the run."""
    start = 0
    for name, _, stages in _finished(cell):
        points: dict[float, list[float]] = {}
        for stage in stages:
            for steps, value in evaluations(stage, metric):
                points.setdefault(start + steps, []).append(value)
        if points:
            places = tuple(sorted(points))
            yield Curve(line, name, float(start), places, tuple(tuple(points[place]) for place in places))
        start += max(
            (stage.steps for stage in stages), default=0
        )  # if no run finished this stage, there are no later ones


def varies(curves: Iterable[Curve]) -> bool:
    """Return whether the curves have more than one value, over all runs and places; a figure of one shows nothing."""
    return len({value for curve in curves for values in curve.values for value in values}) > 1


def metrics_of(summary: Summary, rows: Sequence[str]) -> list[str]:
    """Return the metrics whose learning curves belong to the cells of some rows."""
    metrics = (cell.cell.reading.course for cell in cells_of(summary, rows))
    return list(dict.fromkeys(metric for metric in metrics if metric is not None))


def cells_of(summary: Summary, rows: Sequence[str]) -> list[FilledCell]:
    places = ((row, column) for row in rows for column in summary.table.columns)
    return [summary.cells[place] for place in places if place in summary.cells]
