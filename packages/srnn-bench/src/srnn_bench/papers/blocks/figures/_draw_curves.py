"""Drawing of the accuracy over training, one labelled curve per network (Figures 1, 2 and 6 of arXiv 2509.15057)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from ....drawing import INK, Drawing, canvas, style
from ._spread import spread

HEIGHT = 3.4  # inches

LINE = 0.052  # height of a label, as a share of the vertical axis

Curve = Sequence[tuple[float, float]]  # epochs and right answers, %


def curves(
    name: str, title: str, runs: Mapping[str, Sequence[Curve]], looks: Mapping[str, Mapping[str, Any]], *, chance: float
) -> Drawing:
    """Draw the mean curve of the runs of each label, and a band from the least to the greatest run.

    looks: colour and line style of each label. chance: right answers of a guess, in %.
    """
    ends: dict[str, float] = {"chance": chance}
    with style():
        figure, axes = canvas(HEIGHT)
        axes.axhline(chance, color=INK, lw=0.8, linestyle="dotted")
        for label, found in runs.items():
            epochs = [epoch for epoch, _ in found[0]]
            values = np.array([[value for _, value in run] for run in found])  # (runs, epochs)
            axes.plot(epochs, values.mean(0), lw=1.6, **looks[label])
            if len(found) > 1:
                axes.fill_between(
                    epochs, values.min(0), values.max(0), color=looks[label]["color"], alpha=0.13, linewidth=0
                )
            ends[label] = float(values[:, -1].mean())
        top = axes.get_ylim()[1]
        axes.set(xlabel="epoch", ylabel="right answers, validation, %", ylim=(0, top), xlim=(epochs[0], epochs[-1]))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        ordered = sorted(ends, key=ends.__getitem__)
        places = spread([ends[label] for label in ordered], [LINE * top] * len(ends), low=0, high=1.05 * top)
        for label, place in zip(ordered, places, strict=True):
            colour = looks[label]["color"] if label in looks else INK
            axes.annotate(
                label,
                xy=(1.01, ends[label]),
                xytext=(1.07, place),
                xycoords=axes.get_yaxis_transform(),
                va="center",
                color=colour,
                fontsize=8.5,
                arrowprops={
                    "arrowstyle": "-",
                    "color": colour,
                    "lw": 0.6,
                    "shrinkA": 1,
                    "shrinkB": 0,
                    "relpos": (0, 0.5),
                },
            )
    counts = ", ".join(f"{label} {len(found)}" for label, found in runs.items())
    caption = (
        f"Means over runs; a band spans the least and the greatest. Dotted: chance, {chance:.3g} %. Runs: {counts}."
    )
    return Drawing(name, title, caption, figure)
