"""Drawing of how far the masks of pairs of readings agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ....drawing import INK, Drawing, legend, series, style

WIDE = 7.6  # inches


def agreement_of_pairs(
    name: str, title: str, values: Mapping[str, Mapping[str, Sequence[float]]], *, chance: float
) -> Drawing:
    """Draw one line per pair of readings with one mark per cell: the share of common weights, in %, by seed and mean.

    values: by pair, then by cell, one share per seed.
    """
    cells = list(dict.fromkeys(cell for each in values.values() for cell in each))
    with style():
        figure = Figure(figsize=(WIDE, 0.3 * len(values) + 1.1), layout="constrained")
        axes = figure.subplots()
        axes.axvline(chance, color=INK, lw=0.8, linestyle="dotted")
        looks = {cell: series(number) | {"linestyle": "none"} for number, cell in enumerate(cells)}
        for row, each in enumerate(values.values()):
            for cell, shares in each.items():
                place = row + 0.16 * (cells.index(cell) - (len(cells) - 1) / 2)
                axes.plot([min(shares), max(shares)], [place, place], color=looks[cell]["color"], lw=1)
                axes.plot([fmean(shares)], [place], **looks[cell], markersize=4)
        axes.set_yticks(range(len(values)), labels=list(values))
        axes.set(xlim=(0, 100), ylim=(len(values) - 0.4, -0.6), xlabel="weights in common, %")
        legend(figure, {cell: Line2D([], [], **look) for cell, look in looks.items()})
    seeds = max(len(shares) for each in values.values() for shares in each.values())
    caption = (
        f"Mean over up to {seeds} seeds, and the range from the smallest to the largest. Dotted: two random masks, "
        f"{chance:g} %."
    )
    return Drawing(name, title, caption, figure)
