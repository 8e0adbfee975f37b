"""Drawing of where in the grid of gains and inhibitions a bump of activity holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure

from ....analysis import BumpPersistence
from ....drawing import Drawing, style

STATES = {"no bump": "#e4e4e4", "a bump that moves": "#f0b35a", "a bump that holds": "#1f83c4"}

Grids = Mapping[str, Mapping[str, Mapping[tuple[float, float], BumpPersistence]]]


def draw_attractors(name: str, bumps: Grids, gains: Sequence[float], inhibitions: Sequence[float]) -> Drawing:
    """Draw one map per kind of neurons (rows, by title) and inhibitor function (columns, by title)."""
    columns = len(next(iter(bumps.values())))
    colours = ListedColormap(list(STATES.values()))
    with style():
        figure = Figure(figsize=(1.5 * columns + 0.9, 1.55 * len(bumps) + 0.9), layout="constrained")
        grid: Any = figure.subplots(len(bumps), columns, squeeze=False, sharex=True, sharey=True)
        for number, (neurons, by_function) in enumerate(bumps.items()):
            for axes, (function, tests) in zip(grid[number], by_function.items(), strict=True):
                states = [[_state(tests[gain, inhibition]) for gain in gains] for inhibition in inhibitions]
                axes.imshow(np.array(states), cmap=colours, vmin=-0.5, vmax=2.5, origin="lower", aspect="auto")
                axes.grid(False)
                axes.set_xticks(range(len(gains)), [f"{gain:g}" for gain in gains])
                axes.set_yticks(range(len(inhibitions)), [f"{value:g}" for value in inhibitions])
                axes.set_xticks(np.arange(len(gains) - 1) + 0.5, minor=True)
                axes.set_yticks(np.arange(len(inhibitions) - 1) + 0.5, minor=True)
                axes.grid(True, which="minor", color="white", alpha=1, lw=1)
                axes.tick_params(which="both", length=0)
                axes.set_title("" if number else function)
            grid[number, 0].set_ylabel(f"{neurons}\ninhibition")
        for axes in grid[-1]:
            axes.set_xlabel("gain")
        scalar = ScalarMappable(norm=BoundaryNorm([-0.5, 0.5, 1.5, 2.5], 3), cmap=colours)
        bar = figure.colorbar(scalar, ax=figure.axes, location="bottom", shrink=0.8, aspect=40, ticks=[0, 1, 2])
        bar.set_ticklabels(list(STATES))
        bar.outline.set_visible(False)
    caption = (
        "Activity started at 16 places and left to itself for 100 time constants. A bump holds if nine of ten starts "
        "are still one bump, on average within a tenth of the mean distance of two neurons from where it began."
    )
    return Drawing(name, "Do bumps of activity stay where they are?", caption, figure)


def _state(test: BumpPersistence) -> int:
    return 2 if test.holds else 1 if test.bump >= 0.5 else 0
