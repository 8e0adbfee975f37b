"""Figures of the metric of a table against density, the share of weights present."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from math import floor, log10
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..drawing import FILLS, INK, Drawing, Fill, legend, legend_height, logarithmic, panels, series
from ..experiment import StageResult
from ..tables import FilledCell, Place, Summary
from ._texts import anchor

LABELS = 7  # tick labels such as `100 %` that fit below an axis over the whole width

STEPS = ((1,), (5, 2), tuple(range(3, 10)), tuple(tenths / 10 for tenths in range(11, 100)))  # of ticks, by roundness

LABEL = 26  # characters of a label that fit beside a panel

Density = Callable[[StageResult], float | None]

Point = tuple[float, float]  # density, metric

Points = Mapping[Place, list[Point]]

CAPTION = (
    "Large markers: mean over the runs of a cell; small markers: single runs. The fill shows the stage; "
    "lines join the cells of a column and stage. Runs per cell: {runs}."
)


def against_density(summary: Summary) -> list[Drawing]:
    """Draw the metric against the density of all weight matrices together, and of each that is sparse: a panel each."""
    matrices = dict.fromkeys(name for cell in summary.cells.values() for name in cell.densities)
    kinds: dict[str, Density] = {"all weight matrices": _total_density}
    kinds |= {name: partial(_density, name) for name in matrices}
    drawn = {title: points for title, density in kinds.items() if (points := _sparse(summary, density))}
    if not drawn:
        return []
    table = summary.table
    cells = [summary.cells[place].cell for points in drawn.values() for place in points]
    present = {cell.column for cell in cells}
    looks = {name: series(index) for index, name in enumerate(table.columns) if name in present}
    stages = dict.fromkeys(cell.stage for cell in cells)
    fills = {stage: FILLS[index % len(FILLS)] for index, stage in enumerate(stages)}
    columns = min(len(drawn), 2)
    above = legend_height(looks) + legend_height(fills)
    figure, grid = panels(len(drawn), 2.5 if columns == 1 else 2.1, columns=columns, extra=above)
    for number, (axes, (title, points)) in enumerate(zip(grid, drawn.items(), strict=True)):
        _panel(axes, summary, points, looks, fills, columns)
        axes.set_title(title, loc="left", fontweight="bold")
        if number + columns >= len(grid):
            axes.set_xlabel("weights present")
        if number % columns == 0:
            axes.set_ylabel(fill(f"{table.metric.lower()} ({table.unit})", LABEL))
    legend(
        figure,
        {column: Line2D([], [], **look) for column, look in looks.items()},
        {name: Line2D([], [], color=INK, marker="o", linestyle="none", fillstyle=fill) for name, fill in fills.items()},
    )
    numbers = {len(of_cell) for points in drawn.values() for of_cell in points.values()}
    caption = CAPTION.format(runs=" to ".join(str(end) for end in sorted({min(numbers), max(numbers)})))
    return [Drawing(f"{anchor(summary)}-density", f"{table.metric} against density", caption, figure)]


def _total_density(stage: StageResult) -> float | None:
    return stage.history[-1].density if stage.history else None


def _density(name: str, stage: StageResult) -> float | None:
    return stage.densities.get(name)


def _sparse(summary: Summary, density: Density) -> Points:
    """Return the points of each cell that has any; none at all if every density is 1."""
    points = {place: of_cell for place, cell in summary.cells.items() if (of_cell := _points(cell, density))}
    return points if any(share < 1 for of_cell in points.values() for share, _ in of_cell) else {}


def _panel(
    axes: Axes,
    summary: Summary,
    points: Points,
    looks: Mapping[str, dict[str, Any]],
    fills: Mapping[str, Fill],
    columns: int,
) -> None:
    lines: dict[tuple[str, str], list[list[Point]]] = {}
    for place, of_cell in points.items():
        lines.setdefault((place[1], summary.cells[place].cell.stage), []).append(of_cell)
    for (column, stage), cells in lines.items():
        _draw(axes, cells, looks[column], fills[stage])
    shares = [share for of_cell in points.values() for share, _ in of_cell]
    if min(shares) > 0:
        logarithmic(axes, "x", ticks=_ticks(min(shares), max(shares), LABELS // columns), percent=True)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4 // columns, steps=[1, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))


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


def _ticks(least: float, greatest: float, labels: int) -> tuple[float, ...]:
    """Return round shares between two, three if possible, so far from each other that `labels` would fill the axis.

    Decades come first, then 5 and 2 times a decade, then shares with one and with two digits.
    """
    if least == greatest:
        return (least,)
    apart = log10(greatest / least) / labels
    ticks: list[float] = []
    for steps in STEPS:
        for step, decade in product(steps, range(0, floor(log10(least)) - 1, -1)):
            tick = float(f"{step}e{decade}")
            if least <= tick <= greatest and all(abs(log10(tick / other)) >= apart for other in ticks):
                ticks.append(tick)
        if len(ticks) > 2:
            break
    return tuple(sorted(ticks)) or (least, greatest)
