"""A heat map: a share for each of some rows and columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from torch import Tensor

from ._drawing import Drawing, style

LINE = 0.1  # inches of a row, at least

FEW = 12  # rows in which numbers have room


def heat(name: str, title: str, values: Tensor, rows: Sequence[str], columns: Sequence[str], *, label: str) -> Drawing:
    """Draw values between 0 and 1, `(rows, columns)`, NaN where there is none; few rows show their numbers."""
    if values.shape != (len(rows), len(columns)):
        raise ValueError(f"values: expected shape ({len(rows)}, {len(columns)}), got {tuple(values.shape)}")
    few = len(rows) <= FEW
    with style():
        tall = max((0.32 if few else LINE) * len(rows), 1.2)
        figure = Figure(figsize=(7.6, tall + 1.6), layout="constrained", dpi=200)
        axes = figure.subplots()
        shown = axes.imshow(values.numpy(force=True), aspect="auto", cmap="inferno", vmin=0, vmax=1)
        size = min(8.0, 66 * tall / len(rows))
        axes.set_yticks(np.arange(len(rows)), labels=list(rows), fontsize=size)
        axes.set_xticks(np.arange(len(columns)), labels=list(columns), fontsize=8, rotation=30, ha="right")
        axes.tick_params(length=0)
        axes.grid(False)
        axes.spines[:].set_visible(False)
        for row, line in enumerate(values.tolist() if few else []):
            for column, value in enumerate(line):
                text = "" if np.isnan(value) else f"{value:.2f}"
                colour = "#ffffff" if value < 0.6 else "#000000"
                axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
        colour_scale(figure, axes, shown, label)
    return Drawing(name, title, f"{label[:1].upper()}{label[1:]}: {len(rows)} rows, {len(columns)} columns.", figure)


def colour_scale(figure: Figure, axes: Axes, shown: AxesImage, label: str) -> None:
    """Draw the scale of an image's colours, from 0 to 1, above its axes."""
    scale = figure.colorbar(shown, ax=axes, location="top", shrink=0.45, aspect=32, pad=0.01, ticks=[0, 0.5, 1])
    scale.outline.set_visible(False)
    scale.set_label(label)
