"""Drawing of images by pipeline: one row per pipeline, and next to each other the draws of one source image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from ....drawing import Drawing, style

WIDTH, LABELS = 4.6, 1.3  # inches: of the figure, of the names of the pipelines

GAP = 3  # pixels between images; twice that between source images


def contact_sheet(name: str, images: Tensor, rows: Sequence[str], *, draws: int) -> Drawing:
    """Draw images `(rows, columns, height, width)` in grey; every `draws` columns have the same source image."""
    count, height, width = images.shape[1:]
    places = [column * (width + GAP) + column // draws * GAP for column in range(count)]
    sheet = np.full((len(rows) * (height + GAP) - GAP, places[-1] + width), np.nan)
    for row, line in enumerate(images.numpy(force=True)):
        for place, image in zip(places, line, strict=True):
            sheet[row * (height + GAP) :][:height, place : place + width] = image
    across = WIDTH - LABELS - 0.05
    down = across * sheet.shape[0] / sheet.shape[1]
    with style():
        figure = Figure(figsize=(WIDTH, down + 0.1), dpi=200)
        axes = figure.add_axes((LABELS / WIDTH, 0.05 / (down + 0.1), across / WIDTH, down / (down + 0.1)))
        axes.imshow(sheet, cmap="gray", interpolation="none")
        axes.grid(False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.set_xticks([])
        axes.set_yticks([row * (height + GAP) + height / 2 for row in range(len(rows))], labels=list(rows))
    caption = (
        f"One row per pipeline; {count // draws} digits, each with {draws} draws of the pipeline next to each other. "
        "All images have one scale of grey, on which noise with a standard deviation of 0.01 is hardly visible."
    )
    return Drawing(name, "Pipelines of Random Anomaly Detection", caption, figure)
