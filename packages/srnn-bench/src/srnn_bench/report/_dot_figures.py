"""Figures with one line per cell: the values of the table, and step times."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..drawing import FILLS, INK, Drawing, Fill, canvas, legend, series
from ..tables import FilledCell, Summary
from ._texts import anchor, without_value

LINES = 40  # per drawing; a larger table has several drawings

Part = dict[str, list[FilledCell]]  # cells by row, of the rows in one drawing


def cells(summary: Summary) -> list[Drawing]:
    """Draw the mean and spread of each cell below the name of its row, with the paper's numbers below ours."""
    table = summary.table
    published = any(cell.cell.published for cell in summary.cells.values())
    return _dots(
        summary,
        "cells",
        title=f"{table.metric}, ours and the paper's" if published else table.metric,
        label=f"{table.metric.lower()} ({table.unit}), {table.better} is better",
        caption="Filled: mean ± sample standard deviation over runs (number of runs in brackets); small dots: single "
        "runs." + (" Hollow: the paper's mean and standard deviation." if published else ""),
        values=lambda cell: list(cell.values.values()),
        papers=True,
    )


def step_times(summary: Summary) -> list[Drawing]:
    """Draw the wall time per training step: once where columns of a row read the same stage of the same runs."""
    return _dots(
        summary,
        "steps",
        title="Time per training step",
        label="ms per training step",
        caption="Mean ± sample standard deviation over runs (number of runs in brackets); small dots: single runs. "
        "Columns that read the same stage of the same runs are shown once.",
        values=lambda cell: [stage.step_ms for stage in cell.stages.values()],
        once=True,
    )


def _dots(
    summary: Summary,
    name: str,
    *,
    title: str,
    label: str,
    caption: str,
    values: Callable[[FilledCell], list[float]],
    papers: bool = False,
    once: bool = False,
) -> list[Drawing]:
    if not any(cell.n for cell in summary.cells.values()):
        return []
    parts = _parts(summary, once)
    drawings = []
    for number, part in enumerate(parts, 1):
        suffix, of_parts = ("", "") if len(parts) == 1 else (f"-{number}", f" ({number} of {len(parts)})")
        figure, axes = canvas(0.9 + 0.22 * _height(part))
        _lines(axes, summary, part, values, papers, once)
        axes.set_xlabel(label)
        if papers and any(cell.cell.published for cell in summary.cells.values()):
            fills = zip(("ours", "paper"), FILLS, strict=False)
            legend(figure, {who: Line2D([], [], **_look(fill), color=INK) for who, fill in fills})
        drawings.append(Drawing(f"{anchor(summary)}-{name}{suffix}", title + of_parts, caption, figure))
    return drawings


def _parts(summary: Summary, once: bool) -> list[Part]:
    """Return the cells by row, in parts of at most LINES lines unless a single row has more.

    With `once`, a row has one cell of those that read the same stage of the same experiment.
    """
    parts: list[Part] = [{}]
    for row in summary.table.rows:
        group = [cell for column in summary.table.columns if (cell := summary.cells.get((row, column)))]
        if once:
            group = list({(cell.cell.experiment, cell.cell.stage): cell for cell in reversed(group)}.values())[::-1]
        cells_of_row = {row: group}
        if parts[-1] and _height(parts[-1] | cells_of_row) > LINES:
            parts.append({})
        parts[-1].update(cells_of_row)
    return parts


def _height(part: Part) -> int:
    """Return the number of lines of a part: one per row and one per cell."""
    return sum(1 + len(group) for group in part.values())


def _lines(
    axes: Axes,
    summary: Summary,
    part: Part,
    values: Callable[[FilledCell], list[float]],
    papers: bool,
    once: bool,
) -> None:
    labels: list[str] = []
    heads = []
    for row, group in part.items():
        of_row = sum((row, column) in summary.cells for column in summary.table.columns)
        merged = once and len(group) == 1 < of_row
        heads.append(len(labels))
        labels.append(row)
        for cell in group:
            place, index = len(labels), summary.table.columns.index(cell.cell.column)
            name = cell.cell.stage if merged else cell.cell.column
            labels.append(f"{name} ({', '.join([str(cell.n), *without_value(cell)])})")
            _ours(axes, place, values(cell), index)
            published = cell.cell.published if papers else None
            if published is not None:
                _bar(axes, place + 0.22, published.mean, published.sd, index, fill="none")
    axes.set_yticks(range(len(labels)), labels)
    for place, text in enumerate(axes.get_yticklabels()):
        text.set_fontweight("bold" if place in heads else "normal")
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")


def _ours(axes: Axes, place: float, values: Sequence[float], index: int) -> None:
    """Draw the values as small dots, and their mean with the sample standard deviation above them."""
    if not values:
        return
    color = series(index)["color"]
    axes.plot(values, [place - 0.12] * len(values), ".", color=color, markersize=3.5, alpha=0.7, markeredgewidth=0)
    spread = statistics.stdev(values) if len(values) > 1 else None
    _bar(axes, place - 0.12, statistics.fmean(values), spread, index, fill="full")


def _bar(axes: Axes, place: float, mean: float, sd: float | None, index: int, *, fill: Fill) -> None:
    style = series(index) | _look(fill)
    axes.errorbar([mean], [place], xerr=None if sd is None else [sd], capsize=2, elinewidth=1.1, **style)


def _look(fill: Fill) -> dict[str, Any]:
    return {"marker": "o", "linestyle": "none", "fillstyle": fill}
