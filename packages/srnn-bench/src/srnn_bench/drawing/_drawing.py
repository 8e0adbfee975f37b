"""A drawing: a matplotlib figure with its words, as SVG for the page, SVG for a file, and PNG.

matplotlib is used by its objects only (no pyplot, no backend chosen), under settings of our own that end with each use.
Only what draws imports this module, so that a run does not wait for matplotlib.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args
from xml.etree import ElementTree

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

WIDTH = 4.6  # inches: at 9.5 pt still to be read on a phone of 360 px

INK = "#010203"  # axes and text: the page's own colour in the page, this black in files

# Each has a contrast of at least 3 on the white page and on the dark one; markers and dashes tell them apart as well
COLOURS = ("#1f83c4", "#d55e00", "#009e73", "#c0569b", "#a87900", "#8566c9", "#7f7f7f")

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

DASHES = ("solid", "dashed", "dashdot", "dotted", (0, (6, 1, 1, 1, 1, 1)))

Fill = Literal["full", "none", "left", "top"]

FILLS: tuple[Fill, ...] = get_args(Fill)

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "legend.fontsize": 8.5,
    "legend.handlelength": 2.2,
    "legend.columnspacing": 1.0,
    "legend.borderpad": 0.1,
    "legend.frameon": False,
    "text.parse_math": False,  # names of cells are shown as they are
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
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.markersize": 5.0,
    "svg.fonttype": "none",
    "svg.hashsalt": "srnn",
}

SVG = "{http://www.w3.org/2000/svg}"

LINK = "{http://www.w3.org/1999/xlink}href"


@dataclass(frozen=True)
class Drawing:
    """A figure, the name of its files, its title, and a caption that says n and what the bands are."""

    name: str
    title: str
    caption: str
    figure: Figure


@contextmanager
def style() -> Iterator[None]:
    """Hold our settings, whatever the user's own are, for the length of a drawing."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def canvas(height: float) -> tuple[Figure, Axes]:
    """Return a figure of that height in inches, with one pair of axes."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.add_subplot()


def series(index: int) -> dict[str, Any]:
    """Return colour, marker and dashes of a series; the pair of colour and marker is its own up to 56 series."""
    return {
        "color": COLOURS[index % len(COLOURS)],
        "marker": MARKERS[index % len(MARKERS)],
        "linestyle": DASHES[index % len(DASHES)],
    }


def legend_height(labels: Collection[str]) -> float:
    """Return the inches that a legend of one group takes."""
    return 0.17 * math.ceil(len(labels) / _legend_columns(labels))


def _legend_columns(*groups: Collection[str]) -> int:
    longest = max(len(label) for group in groups for label in group)
    return max(1, min(max(map(len, groups)), int(315 // (32 + 5.1 * longest))))


def legend(figure: Figure, *groups: Mapping[str, Line2D]) -> None:
    """Put a legend above the axes, each group in lines of its own, in as many columns as the longest label allows."""
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
    """Make an axis logarithmic, with plain numbers at its ticks."""
    axes.set(**{f"{which}scale": "log"})
    axis: Axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(ticks) if ticks else LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %" if percent else f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def inline_svg(drawing: Drawing) -> str:
    """Return the drawing as an element of a page: it takes the page's text colour, font and width."""
    root = _tree(drawing)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    for element in root.iter():
        held = element.get("style")
        if held is not None:
            held = re.sub(r"font-family:[^;]*;?\s*", "", held.replace(INK, "currentColor"))
            element.set("style", held)
        if LINK in element.attrib:
            element.set("href", element.attrib.pop(LINK))
        element.tag = element.tag.removeprefix(SVG)
    root.set("xmlns", SVG[1:-1])
    return ElementTree.tostring(root, encoding="unicode")


def file_svg(drawing: Drawing) -> str:
    """Return the drawing as a file of its own, black on white."""
    root = _tree(drawing)
    root.set("style", "background: #ffffff")
    ground = ElementTree.Element(f"{SVG}rect", {"width": "100%", "height": "100%", "style": "fill: #ffffff"})
    root.insert(1, ground)  # after the title; many viewers do not heed the background
    text = ElementTree.tostring(root, encoding="unicode").replace(INK, "#000000")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def file_png(drawing: Drawing) -> bytes:
    """Return the drawing as PNG, black on white."""
    file = io.BytesIO()
    with style():
        drawing.figure.savefig(file, format="png", dpi=200, facecolor="white", metadata={"Software": None})
    return file.getvalue()


def _tree(drawing: Drawing) -> ElementTree.Element:
    """Return the drawing's SVG with a title, without metadata, its identifiers made its own or, where unused, gone."""
    file = io.StringIO()
    with style():
        drawing.figure.savefig(file, format="svg")
    for prefix, space in (("", SVG[1:-1]), ("xlink", LINK[1:-5])):
        ElementTree.register_namespace(prefix, space)
    root = ElementTree.fromstring(file.getvalue())
    for child in list(root):
        # what matplotlib says of itself, and a style that would hold for the whole page
        if child.tag == f"{SVG}metadata" or child.find(f"{SVG}style") is not None:
            root.remove(child)
    used = set(re.findall(r"""(?:href="|url\()#([^")]+)""", file.getvalue()))
    for element in root.iter():
        for attribute in {"d", "x", "y", "transform"} & element.attrib.keys():  # a hundredth of a point is enough
            element.set(attribute, re.sub(r"(\.\d\d)\d+", r"\1", element.attrib[attribute]).replace(" \n", " "))
        name = element.attrib.pop("id", None)
        if name in used:
            element.set("id", f"{drawing.name}-{name}")
        for attribute in ("clip-path", LINK):
            if attribute in element.attrib:
                element.set(attribute, element.attrib[attribute].replace("#", f"#{drawing.name}-"))
    root.set("role", "img")
    root.set("aria-label", f"{drawing.title}. {drawing.caption}")
    root.set("stroke-linejoin", "round")
    title = ElementTree.Element(f"{SVG}title")
    title.text = drawing.title
    root.insert(0, title)
    return root
