"""Drawings: matplotlib figures with title and caption, in one style.

Only the object interface of matplotlib is used (no pyplot, no backend), with settings that are restored after each use.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, Formatter, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

WIDTH = 4.6  # inches; text of 9.5 pt is still readable on a phone of 360 px

TICKS = 6  # intervals of a horizontal axis over the whole width, so that labels such as 10,000 have room

INK = "#010203"  # axes and text: replaced by the text colour in a page, and by black in files

# Each has a contrast of at least 3 to the light and to the dark page; markers and dashes differ as well
COLOURS = ("#1f83c4", "#d55e00", "#009e73", "#c0569b", "#a87900", "#8566c9", "#7f7f7f")

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

DASHES = ("solid", "dashed", "dashdot", "dotted", (0, (6, 1, 1, 1, 1, 1)))

Fill = Literal["full", "none", "left", "top"]

FILLS: tuple[Fill, ...] = get_args(Fill)

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # part of matplotlib
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "legend.fontsize": 8.5,
    "legend.handlelength": 2.2,
    "legend.columnspacing": 1.0,
    "legend.borderpad": 0.1,
    "legend.frameon": False,
    "text.parse_math": False,  # names of cells are shown literally
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "grid.color": INK,
    "grid.alpha": 0.15,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,  # an offset is printed over the labels
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.markersize": 5.0,
    "svg.fonttype": "none",
    "svg.hashsalt": "srnn",
}


@dataclass(frozen=True)
class Drawing:
    """A figure, the name of its files, its title, and a caption that states n and what the bands are."""

    name: str
    title: str
    caption: str
    figure: Figure


@contextmanager
def style() -> Iterator[None]:
    """Apply our matplotlib settings within the block, whatever the settings of the user are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def canvas(height: float) -> tuple[Figure, Axes]:
    """Return a figure of a height in inches, with one pair of axes and plain tick labels."""
    figure, (axes,) = panels(1, height)
    return figure, axes


def panels(count: int, height: float, *, columns: int = 1, extra: float = 0.0) -> tuple[Figure, list[Axes]]:
    """Return a figure with panels that share their vertical axis, each `height` inches high, and `extra` above them."""
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(WIDTH, rows * height + extra), layout="constrained")
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False).flatten().tolist()
    for axes in grid[count:]:
        axes.remove()
    for axes in grid[:count]:
        axes.xaxis.set_major_locator(MaxNLocator(TICKS // columns, steps=[1, 2, 2.5, 5, 10]))
        axes.xaxis.set_major_formatter(PlainNumbers())
        axes.yaxis.set_major_formatter(PlainNumbers())
    return figure, grid[:count]


class PlainNumbers(Formatter):
    """Tick labels with as many digits as tell the ticks apart, and no common offset or factor beside the axis."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return the label of one tick."""
        return f"{x:,g}"

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Return the labels of all ticks, rounded to less than a hundredth of their distance."""
        distances = [abs(after - before) for before, after in pairwise(values) if after != before]
        allowed = 0.01 * min(distances) if distances else 0.0
        values = [0.0 if abs(value) < allowed else value for value in values]  # the locator's 0 may be 1e-17
        for digits in range(6, 17):  # with fewer, 1000 would be 1e+03
            labels = [f"{value:,.{digits}g}" for value in values]
            printed = [float(label.replace(",", "")) for label in labels]
            if all(abs(number - value) <= allowed for number, value in zip(printed, values, strict=True)):
                break
        return labels if values else []


def series(index: int) -> dict[str, Any]:
    """Return colour, marker and dashes of a series; pairs of colour and marker are unique up to 56 series."""
    return {
        "color": COLOURS[index % len(COLOURS)],
        "marker": MARKERS[index % len(MARKERS)],
        "linestyle": DASHES[index % len(DASHES)],
    }


def legend_height(labels: Collection[str]) -> float:
    """Return the height in inches of a legend of one group."""
    return 0.17 * math.ceil(len(labels) / _legend_columns(labels))


def _legend_columns(*groups: Collection[str]) -> int:
    longest = max(len(label) for group in groups for label in group)
    return max(1, min(max(map(len, groups)), int(315 // (32 + 5.1 * longest))))


def legend(figure: Figure, *groups: Mapping[str, Line2D]) -> None:
    """Add a legend above the axes; each group starts a new line, in as many columns as the longest label allows."""
    columns = _legend_columns(*groups)
    lines: list[list[tuple[str, Line2D]]] = []
    for group in groups:
        entries = list(group.items())
        lines += [entries[start : start + columns] for start in range(0, len(entries), columns)]
    empty = ("", Line2D([], [], linestyle="none"))
    # matplotlib fills column by column
    filled = [line[column] if column < len(line) else empty for column in range(columns) for line in lines]
    labels, handles = zip(*filled, strict=True)
    figure.legend(handles, labels, loc="outside upper left", ncols=columns)


def logarithmic(
    axes: Axes, which: Literal["x", "y"], *, ticks: tuple[float, ...] | None = None, percent: bool = False
) -> None:
    """Make an axis logarithmic, with plain numbers as tick labels."""
    axes.set(**{f"{which}scale": "log"})
    axis: Axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(ticks) if ticks else LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %" if percent else f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())
