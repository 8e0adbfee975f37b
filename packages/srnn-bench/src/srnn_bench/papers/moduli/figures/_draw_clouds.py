"""Drawings of clouds: persistence diagrams, tests and distances (Figure 4 of arXiv 2406.06290)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from srnn_manifolds import Manifold, persistence

from ....analysis import CloudTest
from ....drawing import COLOURS, INK, MARKERS, Drawing, style


def diagrams(name: str, clouds: Mapping[str, tuple[Manifold, Mapping[str, Tensor]]]) -> Drawing:
    """Draw the persistence diagrams, H0 and H1, of clouds: one row per network, its clouds side by side."""
    columns = max(len(by_title) for _, by_title in clouds.values())
    with style():
        figure = Figure(figsize=(2.05 * columns + 0.4, 2.35 * len(clouds) + 0.5), layout="constrained", dpi=200)
        grid: Any = figure.subplots(len(clouds), columns, squeeze=False)
        for number, (label, (manifold, by_title)) in enumerate(clouds.items()):
            bars_of = {
                title: persistence(manifold.pairwise(points.double())).bars for title, points in by_title.items()
            }
            top = 1.05 * max(
                float(bars[torch.isfinite(bars)].max()) for each in bars_of.values() for bars in each if len(bars)
            )
            for axes, (title, bars) in zip(grid[number], bars_of.items(), strict=False):
                axes.plot([0, top], [0, top], color=INK, lw=0.7)
                for dimension, intervals in enumerate(bars):
                    finite = intervals[torch.isfinite(intervals[:, 1])]
                    axes.plot(
                        *finite.T, MARKERS[dimension], color=COLOURS[dimension], ms=2.6, mew=0, label=f"H{dimension}"
                    )
                axes.set(xlim=(-0.03 * top, top), ylim=(-0.03 * top, top), aspect="equal")
                axes.set_title("" if number else title)
            grid[number, 0].set_ylabel(f"{label}\ndeath")
        for axes in grid[-1]:
            axes.set_xlabel("birth")
        handles, labels = grid[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=2, markerscale=2)
    caption = (
        "Each dot is a hole of the cloud of neurons: components (H0) and loops (H1). Core: the largest cluster of the "
        "trained cloud. Random: as many points from the "
        "law that the embedding began with. Permuted: the trained cloud, each coordinate in an order of its own. Mixed "
        "rows: the trained cloud as the rows of an array that holds it the other way round."
    )
    return Drawing(name, "Persistence diagrams of trained embeddings", caption, figure)


def spreads(name: str, tests: Mapping[str, Mapping[str, Sequence[CloudTest]]], label: str) -> Drawing:
    """Draw the statistic of random clouds, by null hypothesis, and of trained ones: one panel per network."""
    with style():
        figure = Figure(figsize=(6.6, 1.9 * len(tests) + 0.6), layout="constrained")
        grid: Any = figure.subplots(len(tests), 1, squeeze=False)
        for (axes,), (title, by_null) in zip(grid, tests.items(), strict=True):
            for line, several in enumerate(by_null.values()):
                for offset, test in enumerate(several):
                    height = -(line + 0.7 * (offset + 0.5) / len(several) - 0.35)
                    axes.plot(test.null, [height] * len(test.null), "|", color=COLOURS[line], ms=5, mew=0.6)
                    axes.plot(test.observed, height, "D", color=INK, ms=4)
            axes.set(yticks=[-line for line in range(len(by_null))], yticklabels=list(by_null), title=title)
            axes.set_ylim(-len(by_null) + 0.45, 0.55)
            axes.grid(False, axis="y")
        grid[-1, 0].set_xlabel(label)
    caption = "A line for each run: strokes are clouds of the null hypothesis, the diamond is the trained cloud."
    return Drawing(name, f"Trained clouds compared with random ones: {label}", caption, figure)


def pairs(name: str, clouds: Mapping[str, tuple[Manifold, Sequence[Tensor], Sequence[Tensor]]], ring: float) -> Drawing:
    """Draw the distribution of distances of two neurons: trained clouds, and clouds of the initial distribution."""
    with style():
        figure = Figure(figsize=(3.6 * len(clouds) + 0.2, 3.0), layout="constrained")
        grid: Any = figure.subplots(1, len(clouds), squeeze=False)
        for axes, (title, (manifold, trained, initial)) in zip(grid[0], clouds.items(), strict=True):
            distances = {"at first": [_distances(manifold, points) for points in initial]}
            distances["trained"] = [_distances(manifold, points) for points in trained]
            top = max(float(np.quantile(np.concatenate(each), 0.999)) for each in distances.values())
            for number, (label, several) in enumerate(distances.items()):
                colour = COLOURS[1 - number]
                heights, edges = np.histogram(np.concatenate(several), bins=80, range=(0, top), density=True)
                axes.stairs(heights, edges, color=colour, label=label, lw=1.3)
            axes.axvline(ring, color=INK, ls=":", lw=1)
            axes.text(ring, 0.985, " d*", transform=axes.get_xaxis_transform(), va="top")
            axes.set(title=title, xlabel="distance of two neurons", ylabel="density", xlim=(0, top), ylim=(0, None))
            axes.legend(loc="upper right")
    caption = f"All pairs of neurons of all runs. d* = {ring:.4f} is the distance at which a weight costs least."
    return Drawing(name, "Distances of trained neurons", caption, figure)


def _distances(manifold: Manifold, points: Tensor) -> Any:
    rows, columns = torch.triu_indices(len(points), len(points), offset=1)
    return manifold.pairwise(points.double())[rows, columns].numpy()
