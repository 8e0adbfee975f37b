"""Draw eight series of Random Anomaly Detection: one for each pipeline that changes most images of a series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from _picture import WIDTH, main, write
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from srnn_tasks.anomaly import PIPELINES, draw_record, render
from srnn_tasks.images import load_mnist

IMAGES = 9
LEVELS = 5  # grey levels per unit; more make a large file, and show no more
FRAME = "#d55e00"  # around the anomaly


def anomaly(folder: Path) -> Path:
    mnist = load_mnist()
    generator = torch.Generator().manual_seed(3)
    record = draw_record(mnist.train_labels, series=80, images=IMAGES, generator=generator)
    base = record.pipeline[torch.arange(80), (record.position + 1) % IMAGES]
    shown = [int((base == number).nonzero()[0, 0]) for number in range(len(PIPELINES))]

    figure = Figure(figsize=(WIDTH, 5.3), layout="constrained")
    grid = figure.subplots(len(shown), 1, sharex=True)
    for axes, series in zip(grid, shown, strict=True):
        pixels = render(record[series : series + 1], mnist.train_images).view(IMAGES, 50, 50)
        pixels = (pixels * LEVELS).round() / LEVELS
        wide = np.pad(pixels.numpy(), ((0, 0), (1, 1), (1, 1)), constant_values=np.nan).swapaxes(0, 1).reshape(52, -1)
        axes.imshow(wide, cmap="gray", vmin=-0.4242, vmax=2.8215, interpolation="none")
        place = int(record.position[series])
        axes.add_patch(Rectangle((52 * place, 0), 51, 51, fill=False, edgecolor=FRAME, linewidth=1.5))
        names = [PIPELINES[number].replace("_", " ") for number in record.pipeline[series]]
        title = f"{names[place - 1]}; anomaly: {names[place]}"
        axes.set_title(title, fontsize=8, loc="left", pad=2)
        axes.set_axis_off()
    caption = (
        "Eight series of nine images. All images of a series show one digit and are changed by one pipeline, which its "
        "title names first; the framed one is changed by another. The network has to report its position."
    )
    return write("anomaly", "Random Anomaly Detection", caption, figure, folder)


if __name__ == "__main__":
    main(anomaly)
