"""Scatter plots of losses: against features, with a line for a constant prediction, and against predicted losses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from ._drawing import COLOURS, INK, MARKERS, Drawing, legend, legend_height, logarithmic, panels, style

SPAN = 20.0  # the axis of losses is logarithmic above this ratio of largest to smallest loss

HEIGHT = 2.6  # of a panel, inches

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Points:
    """Points of one group: places `x`, values `y`, and whether each is marked as unstable, `(D,)` each."""

    x: Array
    y: Array
    marked: NDArray[np.bool_]


def scatter(
    name: str,
    title: str,
    groups: Mapping[str, Mapping[str, Points]],
    *,
    ylabel: str,
    limit: float,
    edges: Mapping[str, Sequence[float]],
) -> Drawing:
    """Draw the losses of draws against features: one panel per feature, with the median of each range.

    groups: by feature, then by the name of the group; the same groups for all features. limit: the loss of a constant
    prediction. edges: edges of the ranges of each feature, without the open ends of the first and the last.
    """
    with style():
        names = list(next(iter(groups.values())))
        figure, grid = panels(len(groups), HEIGHT, extra=legend_height([*names, "unstable", "median"]) + 0.1)
        values = np.concatenate([each.y for of_feature in groups.values() for each in of_feature.values()])
        for axes, (feature, of_feature) in zip(grid, groups.items(), strict=True):
            for number, each in enumerate(of_feature.values()):
                _draw(axes, each, number)
            axes.axhline(limit, color=INK, linewidth=0.8, linestyle="dotted")
            _medians(axes, list(of_feature.values()), (-math.inf, *edges[feature], math.inf))
            axes.set(xlabel=feature, ylabel=ylabel)
            if values.size and values.min() > 0 and values.max() > SPAN * values.min():
                logarithmic(axes, "y")
        legend(figure, {each: _handle(number) for number, each in enumerate(names)}, _other_handles())
    counts = ", ".join(f"{group} {len(each.x)}" for group, each in next(iter(groups.values())).items())
    caption = (
        f"One point per draw ({counts}). Dotted: the loss of the best constant prediction. Crosses: unstable draws, "
        "which count with that loss. Bars: medians over all draws of a range."
    )
    return Drawing(name, title, caption, figure)


def predictions(name: str, title: str, groups: Mapping[str, Points], *, label: str, r2: Mapping[str, float]) -> Drawing:
    """Draw predicted against actual values, one panel per predictor, with the line on which they are equal."""
    with style():
        figure, grid = panels(len(groups), HEIGHT + 0.4)
        for axes, (predictor, each) in zip(grid, groups.items(), strict=True):
            _draw(axes, each, 0)
            ends = [float(min(each.x.min(), each.y.min())), float(max(each.x.max(), each.y.max()))]
            axes.plot(ends, ends, color=INK, linewidth=0.8, linestyle="dotted")
            axes.set(xlabel=label, ylabel=f"predicted by the {predictor}")
    caption = (
        f"One point per draw ({len(each.x)}), predicted by a fit to the four fifths of the draws that it is not among. "
        f"Crosses: unstable draws. Dotted: equal. R²: {', '.join(f'{who} {value:.2f}' for who, value in r2.items())}."
    )
    return Drawing(name, title, caption, figure)


def _draw(axes: Axes, points: Points, number: int) -> None:
    look: dict[str, Any] = {"color": COLOURS[number], "linestyle": "none", "alpha": 0.55}
    stable = ~points.marked
    axes.plot(points.x[stable], points.y[stable], marker=MARKERS[number], markersize=3, markeredgewidth=0, **look)
    axes.plot(points.x[points.marked], points.y[points.marked], marker="x", markersize=4, markeredgewidth=0.8, **look)


def _medians(axes: Axes, groups: Sequence[Points], edges: Sequence[float]) -> None:
    """Draw the median over all groups in each range as a horizontal bar."""
    x, y = (np.concatenate([getattr(each, field) for each in groups]) for field in ("x", "y"))
    for low, high in pairwise(edges):
        inside = y[(low <= x) & (x < high)]
        if inside.size:
            ends = max(low, float(x.min())), min(high, float(x.max()))
            axes.plot(ends, [float(np.median(inside))] * 2, color=INK, linewidth=1.8, solid_capstyle="butt")


def _handle(number: int) -> Line2D:
    return Line2D([], [], color=COLOURS[number], marker=MARKERS[number], linestyle="none", markersize=4)


def _other_handles() -> dict[str, Line2D]:
    return {
        "unstable": Line2D([], [], color=INK, marker="x", linestyle="none", markersize=4),
        "median": Line2D([], [], color=INK, linewidth=1.8),
    }
