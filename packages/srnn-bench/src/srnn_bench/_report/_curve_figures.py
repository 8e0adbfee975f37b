"""Learning curves: the training loss by epoch, stages one after the other."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from .._experiment import Experiment
from .._summary import CellSummary, Summary
from ._drawing import INK, Drawing, canvas, legend, logarithmic, series
from ._words import anchor, slug

SPAN = 20.0  # from this ratio of greatest to least loss on, the axis is logarithmic


@dataclass(frozen=True)
class Curve:
    """One stage of one column: `losses[e]` holds the loss of every run at epoch `epochs[e]`."""

    column: str
    stage: str
    start: int
    losses: tuple[tuple[float, ...], ...]

    @property
    def epochs(self) -> list[int]:
        """Epochs, counted from the run's begin on."""
        return list(range(self.start + 1, self.start + len(self.losses) + 1))

    @property
    def n(self) -> int:
        """Number of runs that finished the stage."""
        return max(map(len, self.losses))


def curves(summary: Summary) -> list[Drawing]:
    """Draw the training loss by epoch: a panel for the rows that share their runs, a line a column."""
    panels: dict[tuple[tuple[str, Experiment], ...], list[str]] = {}
    for row in summary.table.rows:
        held = ((column, summary.cells.get((row, column))) for column in summary.table.columns)
        panels.setdefault(tuple((column, cell.cell.experiment) for column, cell in held if cell), []).append(row)
    found = []
    for rows in panels.values():
        drawn = [curve for column in summary.table.columns for curve in _curves(summary.cells.get((rows[0], column)))]
        if drawn:
            found.append(_panel(summary, rows, drawn))
    return found


def _curves(cell: CellSummary | None) -> Iterator[Curve]:
    """Give the curves of a cell's runs, of all their stages."""
    start = 0
    for stage in cell.cell.experiment.stages if cell else ():
        ended = [result.stage(stage.name) for result in cell.results.values() if result] if cell else []
        histories = [found.history for found in ended if found is not None]
        longest = max(map(len, histories), default=0)
        if longest:
            losses = (tuple(held[epoch].loss for held in histories if epoch < len(held)) for epoch in range(longest))
            yield Curve(cell.cell.column if cell else "", stage.name, start, tuple(losses))
        start += max(longest, stage.training.epochs)


def _panel(summary: Summary, rows: Sequence[str], drawn: Sequence[Curve]) -> Drawing:
    figure, axes = canvas(3.1)
    columns = list(dict.fromkeys(curve.column for curve in drawn))
    looks = {column: series(summary.table.columns.index(column)) for column in columns}
    for curve in drawn:
        _draw(axes, curve, looks[curve.column])
    _name_stages(axes, drawn)
    losses = [loss for curve in drawn for values in curve.losses for loss in values]
    if min(losses) > 0 and max(losses) > SPAN * min(losses):
        logarithmic(axes, "y")
    axes.set(xlabel="epoch", ylabel="training loss")
    legend(figure, {column: Line2D([], [], **looks[column]) for column in columns})
    runs = ", ".join(f"{column} {_runs(drawn, column)}" for column in columns)
    caption = f"Mean of the training loss per epoch; the band spans the least and the greatest run. Runs: {runs}."
    name = f"{anchor(summary)}-curves-{slug(rows[0])}"
    return Drawing(name, f"Learning curves: {', '.join(rows)}", caption, figure)


def _draw(axes: Axes, curve: Curve, look: Mapping[str, Any]) -> None:
    means = [statistics.fmean(values) for values in curve.losses]
    every = max(1, len(means) // 5)
    axes.plot(curve.epochs, means, markevery=(0, every), linewidth=1.5, markersize=4, **look)
    if curve.n > 1:
        low, high = [min(values) for values in curve.losses], [max(values) for values in curve.losses]
        axes.fill_between(curve.epochs, low, high, color=look["color"], alpha=0.2, linewidth=0)


def _name_stages(axes: Axes, drawn: Sequence[Curve]) -> None:
    """Write the name of each stage where it begins, and a line before all but the first."""
    starts: dict[int, dict[str, None]] = {}
    for curve in drawn:
        starts.setdefault(curve.start, {})[curve.stage] = None
    for start, names in starts.items():
        if start:
            axes.axvline(start + 0.5, color=INK, linewidth=0.8, linestyle="dotted")
        axes.annotate(
            " / ".join(names),
            (start + 0.5, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(3, 2),
            textcoords="offset points",
            fontsize=8.5,
            fontstyle="italic",
        )


def _runs(drawn: Sequence[Curve], column: str) -> str:
    """Say how many runs a column has, stage by stage where that differs."""
    numbers = [curve.n for curve in drawn if curve.column == column]
    return str(numbers[0]) if len(set(numbers)) == 1 else ", then ".join(map(str, numbers))
