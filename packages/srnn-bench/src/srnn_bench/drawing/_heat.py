"""Heat maps of values between 0 and 1, by row and column."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from torch import Tensor

from .._errors import BenchError
from ._drawing import Drawing, style

LINE = 0.1  # minimum height of a row in inches

FEW = 12  # up to this many rows, cells show their numbers


def heat(name: str, title: str, values: Tensor, rows: Sequence[str], columns: Sequence[str], *, label: str) -> Drawing:
    """Draw values between 0 and 1, (rows, columns), NaN for a missing one; up to 12 rows show their numbers.

    Raises:
        BenchError: If the shape of `values` differs from the numbers of rows and columns.
    """
    if values.shape != (len(rows), len(columns)):
        raise BenchError(f"values: expected shape ({len(rows)}, {len(columns)}), got {tuple(values.shape)}")
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
    """Add the colour scale of an image, from 0 to 1, above its axes."""
    scale = figure.colorbar(shown, ax=axes, location="top", shrink=0.45, aspect=32, pad=0.01, ticks=[0, 0.5, 1])
    scale.outline.set_visible(False)
    scale.set_label(label)
