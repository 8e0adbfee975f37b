"""The eight pipelines of Random Anomaly Detection (arXiv 2509.15057) on the same digits."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from srnn_tasks.anomaly import PIPELINES, Record, draw_record, render
from srnn_tasks.images import load_mnist

from ....drawing import write_drawing
from ... import FigureRequest
from ._draw_pipelines import contact_sheet

SOURCES, DRAWS = 4, 2  # training images of MNIST, and how often each pipeline is drawn for each

SERIES = 100  # among which the draws are found


def pipelines(request: FigureRequest) -> list[Path]:
    """Images of Random Anomaly Detection: each pipeline, drawn twice, on the same four digits; needs MNIST."""
    digits = load_mnist()
    sheet = sheet_of(digits.train_labels)
    pixels = render(sheet, digits.train_images)  # (pipelines, images, 2500)
    side = round(pixels.shape[-1] ** 0.5)
    images = pixels.reshape(len(PIPELINES), -1, side, side)
    names = [name.replace("_", " ") for name in PIPELINES]
    drawing = contact_sheet("blocks-pipelines", images, names, draws=DRAWS)
    return write_drawing(drawing, request.folder)


def sheet_of(labels: Tensor) -> Record:
    """Return a record with one row per pipeline instead of one per series; source images are the first of MNIST.

    labels: uint8 `(M,)`, the classes of the source images.
    """
    generator = torch.Generator().manual_seed(0)
    drawn = draw_record(labels, series=SERIES, images=9, generator=generator)
    chosen = torch.stack(
        [(drawn.pipeline.flatten() == number).nonzero()[: SOURCES * DRAWS, 0] for number in range(len(PIPELINES))]
    )  # (pipelines, images)
    images = torch.arange(SOURCES).repeat_interleave(DRAWS).expand(len(PIPELINES), -1)
    rows = {name: _rows(value, chosen) for name, value in vars(drawn).items() if isinstance(value, Tensor)}
    return Record(**rows | {"image": images}, side=drawn.side)


def _rows(values: Tensor, chosen: Tensor) -> Tensor:
    """Return the values `(S, n, ...)` of the chosen images; those of series, which are not rendered, as they are."""
    return values.flatten(0, 1)[chosen] if values.ndim > 1 else values[: len(chosen)]
