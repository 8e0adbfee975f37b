"""Drawing of training curves on a logarithmic axis (Figures 4 and 5 of arXiv 1912.00120)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.lines import Line2D

from ....drawing import Drawing, canvas, legend, logarithmic, series, style

Curve = Sequence[tuple[float, float]]  # steps and values of one run


def curves(name: str, title: str, runs: Mapping[str, Sequence[Curve]], label: str) -> Drawing:
    """Draw the mean curve of the runs of each name, and a band from the least to the greatest run."""
    with style():
        figure, axes = canvas(3.3)
        looks = {each: series(number) for number, each in enumerate(runs)}
        for each, found in runs.items():
            steps = [step for step, _ in found[0]]
            values = np.array([[value for _, value in run] for run in found])  # (runs, steps)
            every = max(1, len(steps) // 5)
            axes.plot(steps, values.mean(0), markevery=(0, every), lw=1.5, markersize=4, **looks[each])
            if len(found) > 1:
                axes.fill_between(
                    steps, values.min(0), values.max(0), color=looks[each]["color"], alpha=0.15, linewidth=0
                )
        axes.set(xlabel="training step", ylabel=label)
        logarithmic(axes, "y")
        legend(figure, {each: Line2D([], [], **look) for each, look in looks.items()})
    counts = ", ".join(f"{each} {len(found)}" for each, found in runs.items())
    return Drawing(name, title, f"Means over runs; a band spans the least and the greatest. Runs: {counts}.", figure)
