"""Drawings of clusters of units by task, and of their number over training (Figures 3 and 7b to 12)."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from torch import Tensor

from .... import BenchError
from ....analysis import Clustering
from ....drawing import COLOURS, INK, Drawing, canvas, colour_scale, legend, series, style

WIDE = 7.6  # inches, heat map with task names

LINE = 0.088  # inches per task

FEW = 34  # two-digit numbers that fit below the bar

MANY = 25  # three-digit numbers that fit


def task_clusters(name: str, title: str, points: Tensor, clustering: Clustering, tasks: Sequence[str]) -> Drawing:
    """Draw the normalised task variances `(N, tasks)`, one row per task, units by cluster, above a bar of clusters."""
    if points.shape != (len(clustering.labels), len(tasks)):
        raise BenchError(f"points: expected shape ({len(clustering.labels)}, {len(tasks)}), got {tuple(points.shape)}")
    units = len(points)
    ends = clustering.sizes.cumsum(0).numpy()
    with style():
        rows = max(LINE * len(tasks), 1.2)
        figure = Figure(figsize=(WIDE, rows + 1.35), layout="constrained", dpi=200)
        grid: Any = figure.subplots(2, 1, height_ratios=(rows, 0.4), sharex=True)
        heat, bar = grid
        shown = heat.imshow(
            points[clustering.order].T.numpy(force=True),
            aspect="auto",
            cmap="inferno",
            vmin=0,
            vmax=1,
            extent=(0, units, len(tasks), 0),
        )
        for end in ends[:-1] if len(ends) <= FEW else ():  # more lines would hide the map
            heat.axvline(end, color="#ffffff", lw=0.4, alpha=0.7)
        size = min(8.0, 62 * rows / len(tasks))
        heat.set_yticks(np.arange(len(tasks)) + 0.5, labels=list(tasks), fontsize=size)
        heat.tick_params(length=0, labelbottom=False)
        heat.grid(False)
        heat.spines[:].set_visible(False)
        _bar(bar, ends)
        colour_scale(figure, heat, shown, "task variance / the unit's greatest")
    numbers = "its number below" if len(ends) <= FEW else f"the numbers of the {MANY} largest below"
    caption = (
        f"{units} units (columns) in {clustering.k} clusters, {len(tasks)} tasks (rows). Mean silhouette "
        f"{clustering.silhouette:.2f}, ward linkage. The bar has a segment for each cluster, {numbers}."
    )
    return Drawing(name, title, caption, figure)


def cluster_numbers(name: str, title: str, numbers: Mapping[str, Mapping[int, Sequence[int]]]) -> Drawing:
    """Draw the number of clusters over training steps; `numbers` are by network and step, one per run."""
    with style():
        figure, axes = canvas(3.1)
        looks = {label: series(number) for number, label in enumerate(numbers)}
        for label, by_step in numbers.items():
            steps = sorted(by_step)
            values = [by_step[step] for step in steps]
            means = [statistics.fmean(each) for each in values]
            every = max(1, len(steps) // 5)
            axes.plot(steps, means, markevery=(0, every), linewidth=1.5, markersize=4, **looks[label])
            if max(map(len, values)) > 1:
                low, high = [min(each) for each in values], [max(each) for each in values]
                axes.fill_between(steps, low, high, color=looks[label]["color"], alpha=0.2, linewidth=0)
        axes.set(xlabel="training step", ylabel="number of clusters", ylim=(0, None))
        legend(figure, {label: Line2D([], [], **look) for label, look in looks.items()})
    runs = ", ".join(f"{label} ({max(map(len, by_step.values()))})" for label, by_step in numbers.items())
    caption = f"Mean number of clusters; the band spans the least and the greatest run. Runs: {runs}."
    return Drawing(name, title, caption, figure)


def _bar(axes: Axes, ends: NDArray[np.int64]) -> None:
    """Draw one segment per cluster, and numbers below, each with a line to its segment."""
    starts, units = np.concatenate([[0], ends[:-1]]), int(ends[-1])
    colours = [COLOURS[number % len(COLOURS)] for number in range(len(ends))]
    axes.bar(starts, 0.35, ends - starts, 0.65, align="edge", color=colours)
    room = FEW if len(ends) <= FEW else MANY
    largest = np.sort(np.argsort(starts - ends, kind="stable")[:room])
    middles = (starts + ends)[largest] / 2
    for number, middle, place in zip(largest, middles, spread_apart(middles, units / room, units), strict=True):
        axes.plot([middle, place], [0.65, 0.36], color=INK, lw=0.5)
        axes.text(place, 0.3, str(number), ha="center", va="top", fontsize=7, color=INK)
    axes.set(xlim=(0, units), ylim=(-0.1, 1), yticks=[], xticks=[], xlabel="units, by cluster")
    axes.grid(False)
    axes.spines[:].set_visible(False)


def spread_apart(places: NDArray[np.float64], apart: float, width: float) -> NDArray[np.float64]:
    """Move sorted places so that neighbours are at least `apart`, with the least sum of squared moves, in 0 to `width`.

    Place k minus k times `apart` must not decrease, which is isotonic regression: pool adjacent violators.
    """
    blocks: list[list[float]] = []  # mean, count
    steps = apart * np.arange(len(places))
    for value in places - steps:
        blocks.append([float(value), 1])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            mean, count = blocks.pop()
            before = blocks[-1]
            blocks[-1] = [(before[0] * before[1] + mean * count) / (before[1] + count), before[1] + count]
    level = np.concatenate([np.full(int(count), mean) for mean, count in blocks])
    low, high = apart / 2, max(apart / 2, width - apart * (len(places) - 0.5))
    return np.asarray(level.clip(low, high) + steps)
