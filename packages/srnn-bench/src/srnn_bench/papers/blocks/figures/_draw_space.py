"""Drawing of the weights of a block RNN to scale (Figures 3 to 5, 7a and 9a of arXiv 2509.15057)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from srnn_masks import Blocks

from ....drawing import COLOURS, INK, Drawing, style
from ._spread import spread

# Inches
WIDTH, LEFT, RIGHT = 4.6, 0.92, 4.5  # of the figure; the edges of the matrices
TALLEST = 1.9  # height of the matrices
AREAS = 1.3  # height of the weights
LINE, LABEL = 0.15, 0.83  # height of a line of text, width of a label
LEADER = 0.14  # between a label and what it names

TEXT = 8.2  # points

ROWS, COLUMNS = ("h", "y"), ("x", "h", "y")

NOUNS = {"x": "inputs", "h": "hidden", "y": "outputs"}

SHADE = COLOURS[0]

GREYS = {"hx": "#d4d4d4", "hh": "#b4b4b4", "hy": "#8c8c8c", "yx": "#b4b4b4", "yh": "#8c8c8c", "yy": "#646464"}


def weight_space(name: str, title: str, blocks: Blocks, *, shaded: str) -> Drawing:
    """Draw the entries of the six matrices to scale, and below them the present weights, one area per weight.

    shaded: name of the block that is coloured, such as "hh"; the others are grey.
    """
    sizes = {"x": float(blocks.inputs), "h": blocks.hidden, "y": float(blocks.outputs)}
    rows, columns = [sizes[row] for row in ROWS], [sizes[column] for column in COLUMNS]
    entry = min((RIGHT - LEFT) / sum(columns), TALLEST / sum(rows))
    top = 4.5 * LINE + LEADER  # of the matrices
    middle = top + max(entry * sum(rows), 2 * LINE) + 2 * LINE  # between the two parts
    areas = middle + 3.8 * LINE + LEADER  # top of the weights
    height = areas + AREAS + LEADER + 2.5 * LINE
    with style():
        figure = Figure(figsize=(WIDTH, height))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, WIDTH), ylim=(height, 0))  # inches from the upper left corner
        axes.set_axis_off()
        axes.text(0.05, LINE / 2, "Entries of the matrices, to scale", va="top")
        _matrices(axes, top, {label: entry * size for label, size in sizes.items()}, sizes, shaded)
        share = f"hidden proportion {100 * blocks.hidden_proportion:.2g} %"
        axes.text(0.05, middle, f"Present weights, areas to scale: {share}", va="top")
        _weights(axes, areas, blocks, shaded)
    caption = (
        f"Above: the matrices W of {_number(blocks.hidden)} hidden units; rows are targets, columns sources. Below: "
        f"their {_number(blocks.total)} present weights in the same order, with the share of entries that are present. "
        f"W_{shaded} is coloured; {share}."
    )
    return Drawing(name, title, caption, figure)


def _matrices(axes: Axes, top: float, lengths: Mapping[str, float], sizes: Mapping[str, float], shaded: str) -> None:
    """Draw the matrices with sides of these lengths in inches."""
    rows, columns = _edges(top, [lengths[row] for row in ROWS]), _edges(LEFT, [lengths[each] for each in COLUMNS])
    for row, (above, below) in zip(ROWS, rows, strict=True):
        for column, (left, right) in zip(COLUMNS, columns, strict=True):
            _rectangle(axes, row + column, shaded, left, above, right - left, below - above)
    _labels(axes, columns, [f"{_number(sizes[each])}\n{NOUNS[each]}" for each in COLUMNS], top, -LEADER)
    centres = [(above + below) / 2 for above, below in rows]
    places = spread(centres, [LINE] * len(ROWS), low=top - LINE, high=top + TALLEST + LINE)
    for row, centre, place in zip(ROWS, centres, places, strict=True):
        axes.text(
            LEFT - LEADER - 0.03, place, f"{_number(sizes[row])} {NOUNS[row]}", ha="right", va="center", size=TEXT
        )
        _leader(axes, (LEFT - LEADER, LEFT - 0.03), (place, centre))


def _weights(axes: Axes, top: float, blocks: Blocks, shaded: str) -> None:
    """Draw one row of areas per target, with a height in proportion to its weights."""
    counts = blocks.counts
    totals = [sum(counts[row + column] for column in COLUMNS) for row in ROWS]
    heights = _edges(top, [AREAS * total / blocks.total for total in totals])
    for row, (above, below), total in zip(ROWS, heights, totals, strict=True):
        names = [row + column for column in COLUMNS]
        widths = _edges(LEFT, [(RIGHT - LEFT) * counts[name] / total for name in names])
        for name, (left, right) in zip(names, widths, strict=True):
            _rectangle(axes, name, shaded, left, above, right - left, below - above)
        texts = [f"W_{name}, {100 * getattr(blocks.densities, name):.3g} %\n{_number(counts[name])}" for name in names]
        edge, distance = (above, -LEADER) if row == ROWS[0] else (below, LEADER)
        _labels(axes, widths, texts, edge, distance)
        axes.text(LEFT - 0.08, (above + below) / 2, f"to {NOUNS[row]}", ha="right", va="center", size=TEXT)


def _labels(
    axes: Axes, spans: Sequence[tuple[float, float]], texts: Sequence[str], edge: float, distance: float
) -> None:
    """Write one label per span of a horizontal edge, at a distance that is negative above the edge."""
    centres = [(left + right) / 2 for left, right in spans]
    places = spread(centres, [LABEL] * len(texts), low=LEFT, high=WIDTH - 0.04)
    for centre, place, text in zip(centres, places, texts, strict=True):
        axes.text(place, edge + distance, text, ha="center", va="bottom" if distance < 0 else "top", size=TEXT)
        _leader(axes, (place, centre), (edge + 0.9 * distance, edge + 0.15 * distance))


def _edges(first: float, lengths: Sequence[float]) -> list[tuple[float, float]]:
    """Return begin and end of consecutive lengths."""
    return list(pairwise(accumulate(lengths, initial=first)))


def _rectangle(axes: Axes, name: str, shaded: str, left: float, top: float, width: float, height: float) -> None:
    colour = SHADE if name == shaded else GREYS[name]
    axes.add_patch(Rectangle((left, top), width, height, facecolor=colour, linewidth=0))


def _leader(axes: Axes, across: tuple[float, float], down: tuple[float, float]) -> None:
    axes.plot(across, down, color=INK, linewidth=0.6)


def _number(value: float) -> str:
    return f"{value:,.0f}"
