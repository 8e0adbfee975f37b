"""Drawing of weights at the positions of their neurons on the circle (Figure 3 of arXiv 2406.06290)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from ....analysis import PlacedWeights
from ....drawing import COLOURS, INK, Drawing, style


def weights_on_circle(name: str, title: str, networks: Mapping[str, PlacedWeights]) -> Drawing:
    """Draw one row per network: weights out of a neuron on its circle, their costs, and size against distance."""
    with style():
        figure = Figure(figsize=(7.6, 2.3 * len(networks) + 0.6), layout="constrained", dpi=200)
        grid: Any = figure.subplots(len(networks), 3, squeeze=False, width_ratios=(1, 1, 1.35))
        for (left, middle, right), (label, placed) in zip(grid, networks.items(), strict=True):
            column, costs = placed.sizes[:, placed.neuron], placed.costs[:, placed.neuron]
            present = np.asarray(column > 0)
            _ring(left, placed, np.asarray(placed.out), present, "viridis")
            left.set_title(f"{label}: from neuron {placed.neuron}")
            left.text(0, 0, f"{present.sum()} of {len(present)}\npresent", ha="center", va="center", fontsize=8.5)
            scaled = (costs - costs.min()) / (costs.max() - costs.min())
            _ring(middle, placed, np.asarray(scaled), np.ones_like(present), "RdYlBu")
            middle.set_title("their cost f(d)")
            _against_distance(right, placed)
        for axes, colours, low, high in (
            (grid[-1, 0], "viridis", "least", "greatest"),
            (grid[-1, 1], "RdYlBu", "low", "high"),
        ):
            bar = figure.colorbar(ScalarMappable(cmap=colours), ax=axes, location="bottom", shrink=0.8, aspect=20)
            bar.set_ticks([0, 1], labels=[low, high])
            bar.outline.set_visible(False)
    caption = (
        "Left: |w| of the weights out of the neuron in the ring, min-max scaled, at the places of their targets; grey "
        "dots: pruned. Middle: f of the distance from that neuron. Right: mean |w| over all pairs at a distance, "
        "divided by the mean over all pairs, and f, scaled to its range."
    )
    return Drawing(name, title, caption, figure)


def _ring(axes: Any, placed: PlacedWeights, values: Any, present: Any, colours: str) -> None:
    points = placed.points.numpy()
    # neighbours on rings further out, so that they do not hide one another
    order = np.argsort(np.arctan2(points[:, 1], points[:, 0]))
    lift = np.empty(len(points))
    lift[order] = 1 + 0.075 * (np.arange(len(points)) % 4)
    lifted = points * lift[:, None]
    axes.plot(*lifted[~present].T, "o", color="#c8c8c8", ms=1.8, mew=0)
    axes.scatter(*lifted[present].T, c=values[present], cmap=colours, s=13, vmin=0, vmax=1, lw=0)
    axes.plot(*(1.42 * points[placed.neuron]), "o", mfc="none", mec=INK, ms=7, mew=1.2)
    axes.set(xlim=(-1.55, 1.55), ylim=(-1.55, 1.55), aspect="equal")
    axes.axis("off")


def _against_distance(axes: Any, placed: PlacedWeights) -> None:
    distances, means = placed.by_distance(120)
    axes.plot(distances, means, color=COLOURS[0], label="mean |w|")
    axes.set(xlabel="distance d", ylabel="mean |w| / mean of all", ylim=(0, None), xlim=(0, None))
    other = axes.twinx()
    at, order = placed.distances.flatten().sort()
    step = max(1, len(at) // 2000)
    other.plot(at[::step], placed.costs.flatten()[order][::step], color=COLOURS[1], ls="--", label="f(d)")
    other.set(ylabel="f(d)", ylim=(0, None))
    other.grid(False)
    other.spines["right"].set_visible(True)
    title = "" if np.isnan(placed.rank_correlation) else f"rank correlation of |w| and f: {placed.rank_correlation:.2f}"
    axes.set_title(title, fontsize=8.5)
    lines = [*axes.lines, *other.lines]
    axes.legend(lines, [line.get_label() for line in lines], loc="lower right")
