"""Figures with a line a cell: the table in the paper's form, and step times."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..drawing import FILLS, INK, Drawing, Fill, canvas, legend, series
from ..tables import FilledCell, Summary
from ._words import anchor, without_value

LINES = 40  # in one drawing; a larger table gives several

Part = dict[str, list[FilledCell]]  # the cells of some rows, by row


def cells(summary: Summary) -> list[Drawing]:
    """Draw each cell's mean and spread under its row's name, and the paper's below it."""
    table = summary.table
    return _dots(
        summary,
        "cells",
        title=f"{table.metric}, ours and the paper's",
        label=f"{table.metric.lower()} ({table.unit}), {table.better} is better",
        caption="Filled: mean ± sample standard deviation over runs, their number in brackets; small dots: the runs. "
        "Hollow: the paper's mean and its standard deviation.",
        values=lambda cell: list(cell.values.values()),
        papers=True,
    )


def step_times(summary: Summary) -> list[Drawing]:
    """Draw the wall time of a training step by cell."""
    return _dots(
        summary,
        "steps",
        title="Time of a training step",
        label="ms a training step",
        caption="Mean ± sample standard deviation over runs, their number in brackets; small dots: the runs.",
        values=lambda cell: [stage.step_ms for stage in cell.stages.values()],
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
) -> list[Drawing]:
    if not any(cell.n for cell in summary.cells.values()):
        return []
    parts = _parts(summary)
    found = []
    for number, part in enumerate(parts, 1):
        place, words = ("", "") if len(parts) == 1 else (f"-{number}", f" ({number} of {len(parts)})")
        figure, axes = canvas(0.9 + 0.22 * _height(part))
        _lines(axes, summary, part, values, papers)
        axes.set_xlabel(label)
        if papers and any(cell.cell.published for cell in summary.cells.values()):
            fills = zip(("ours", "paper"), FILLS, strict=False)
            legend(figure, {who: Line2D([], [], **_look(fill), color=INK) for who, fill in fills})
        found.append(Drawing(f"{anchor(summary)}-{name}{place}", title + words, caption, figure))
    return found


def _parts(summary: Summary) -> list[Part]:
    """Return the cells by row, in parts of at most LINES lines where a row alone does not have more."""
    parts: list[Part] = [{}]
    for row in summary.table.rows:
        held = {row: [cell for column in summary.table.columns if (cell := summary.cells.get((row, column)))]}
        if parts[-1] and _height(parts[-1] | held) > LINES:
            parts.append({})
        parts[-1].update(held)
    return parts


def _height(part: Part) -> int:
    """Return the number of lines of a part: a line a row and a line a cell."""
    return sum(1 + len(group) for group in part.values())


def _lines(axes: Axes, summary: Summary, part: Part, values: Callable[[FilledCell], list[float]], papers: bool) -> None:
    labels: list[str] = []
    heads = []
    for row, group in part.items():
        heads.append(len(labels))
        labels.append(row)
        for cell in group:
            place, index = len(labels), summary.table.columns.index(cell.cell.column)
            labels.append(f"{cell.cell.column} ({', '.join([str(cell.n), *without_value(cell)])})")
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
    """Draw the values as small dots, and their mean with the sample standard deviation."""
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
