"""Figures of the metric of a table against density, the share of weights present."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from math import floor, log10
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..drawing import FILLS, INK, Drawing, Fill, canvas, legend, logarithmic, series
from ..experiment import StageResult
from ..tables import FilledCell, Summary
from ._texts import anchor, slug

Density = Callable[[StageResult], float | None]

Point = tuple[float, float]  # density, metric

CAPTION = (
    "Large markers: mean over the runs of a cell; small markers: single runs. The fill shows the stage; "
    "lines join the cells of a column and stage. Runs per cell: {runs}."
)


def against_density(summary: Summary) -> list[Drawing]:
    """Draw the metric against the density of all weight matrices together, then of each that is sparse."""
    matrices = dict.fromkeys(name for cell in summary.cells.values() for name in cell.densities)
    drawings = _panel(summary, "all weight matrices together", "all", _total_density)
    for name in matrices:
        drawings += _panel(summary, name, slug(name), partial(_density, name))
    return drawings


def _total_density(stage: StageResult) -> float | None:
    return stage.history[-1].density if stage.history else None


def _density(name: str, stage: StageResult) -> float | None:
    return stage.densities.get(name)


def _panel(summary: Summary, which: str, name: str, density: Density) -> list[Drawing]:
    points = {place: of_cell for place, cell in summary.cells.items() if (of_cell := _points(cell, density))}
    shares = [share for of_cell in points.values() for share, _ in of_cell]
    if not any(share < 1 for share in shares):
        return []
    table = summary.table
    lines: dict[tuple[str, str], list[list[Point]]] = {}
    for place, of_cell in points.items():
        lines.setdefault((place[1], summary.cells[place].cell.stage), []).append(of_cell)
    columns = [column for column in table.columns if any(column == drawn for drawn, _ in lines)]
    stages = list(dict.fromkeys(stage for _, stage in lines))
    looks = {column: series(table.columns.index(column)) for column in columns}
    fills = {stage: FILLS[index % len(FILLS)] for index, stage in enumerate(stages)}
    figure, axes = canvas(3.1)
    for (column, stage), cells in lines.items():
        _draw(axes, cells, looks[column], fills[stage])
    if min(shares) > 0:
        logarithmic(axes, "x", ticks=_ticks(min(shares), max(shares)), percent=True)
    axes.set(xlabel=f"weights present: {which}", ylabel=f"{table.metric.lower()} ({table.unit})")
    legend(
        figure,
        {column: Line2D([], [], **look) for column, look in looks.items()},
        {name: Line2D([], [], color=INK, marker="o", linestyle="none", fillstyle=fill) for name, fill in fills.items()},
    )
    title = f"{table.metric} against density: {which}"
    numbers = {len(of_cell) for of_cell in points.values()}
    caption = CAPTION.format(runs=" to ".join(str(end) for end in sorted({min(numbers), max(numbers)})))
    return [Drawing(f"{anchor(summary)}-density-{name}", title, caption, figure)]


def _points(cell: FilledCell, density: Density) -> list[Point]:
    points = ((density(stage), cell.values[seed]) for seed, stage in cell.stages.items())
    return [(share, value) for share, value in points if share is not None]


def _draw(axes: Axes, cells: list[list[Point]], look: dict[str, Any], fill: Fill) -> None:
    """Draw the runs of each cell with small markers, and the means of the cells joined in order of density."""
    for points in cells:
        shares, values = zip(*points, strict=True)
        small = {"marker": look["marker"], "color": look["color"], "fillstyle": fill}
        axes.plot(shares, values, linestyle="none", markersize=2.5, alpha=0.6, **small)
    means = sorted(
        (statistics.fmean(share for share, _ in points), statistics.fmean(value for _, value in points))
        for points in cells
    )
    shares, values = zip(*means, strict=True)
    axes.plot(shares, values, linewidth=1.1, markersize=6, fillstyle=fill, **look)


def _ticks(least: float, greatest: float) -> tuple[float, ...]:
    """Return ticks at decades; at 1, 2, 3 and 5 times each decade if the shares span less than a factor of 30."""
    steps = (1.0, 2.0, 3.0, 5.0) if greatest < 30 * least else (1.0,)
    return tuple(
        step * 10.0**decade
        for decade in range(floor(log10(least)) - 1, 1)
        for step in steps
        if least / 2 <= step * 10.0**decade <= min(1.0, 2 * greatest)
    )
