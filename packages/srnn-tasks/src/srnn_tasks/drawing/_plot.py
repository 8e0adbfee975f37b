"""One trial of a batch as a figure: inputs, targets, outputs and scored steps over time, and a path if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ..contract import Batch, TaskError, TaskSpec
from . import _panels as panels
from ._figure import new_figure, style
from ._marks import borders, period_names
from ._rows import Panel, input_rows, target_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure


WIDTH = 6.4  # inches
BESIDE = 0.4  # width of the path and the start code, per width of the panels


def plot(
    batch: Batch,
    spec: TaskSpec | None = None,
    *,
    row: int = 0,
    outputs: Tensor | None = None,
    words: Sequence[str] | None = None,
    title: str | None = None,
    width: float = WIDTH,
) -> Figure:
    """Return a matplotlib figure of one row of a batch, time to the right. Requires the extra `srnn-tasks[plot]`.

    Few channels are drawn as lines, many as an image (blue is positive, orange negative), and the pixels of a picture
    as one picture per step; classes are an image with one row per class. If the batch has weights, a strip below shows
    them, and unscored steps of the targets are shaded.
    Steps of padding at the end are left out. `info["period"]` and `info["trial"]` are drawn as vertical lines, and
    `info["position"]` `(T, B, 2)` as a path beside the panels.

    The figure is made without pyplot: it needs no display, does not depend on the backend, shows itself in a notebook,
    and is written by `figure.savefig("trial.png")`.

    batch: of any task, on any device. spec: the `spec` of its source, which names channels and periods.
    row: 0 to B - 1. outputs: of a model, `(T, B, O)`, drawn below the targets, or as dots beside few values; of classes
    and distributions, their softmax. words: the text of each token, such as `WikiTextSource.words`. title: above all.
    width: of the panels in inches; in a narrower figure than the default, the panels are lower as well.

    >>> import torch
    >>> from srnn_tasks import Adding, plot
    >>> generator = torch.Generator().manual_seed(0)
    >>> source = Adding(steps=30).open(device="cpu", generator=generator)
    >>> plot(source.draw(4, generator=generator), source.spec).savefig("adding.png")  # doctest: +SKIP
    """
    _check(batch, spec, row, outputs)
    if not width > 0:
        raise TaskError(f"width: expected a number of inches > 0; got {width!r}")
    with style():
        steps = _shown(batch, row)
        weight = None if batch.weight is None else panels.array(batch.weight[:steps, row])
        rows = [*input_rows(batch, spec, row, steps, words), *target_rows(batch, spec, row, steps, outputs, words)]
        if weight is not None:
            rows.append(Panel(0.16, lambda axes: panels.strip(axes, "scored", weight)))
        side = [name for name, there in (("position", _has_path(batch)), ("start", batch.start is not None)) if there]
        scale = min(1.0, max(0.6, width / WIDTH))
        height = sum(scale * panel.height + 0.12 for panel in rows) + 0.75 + (0.25 if title else 0.0)
        figure = new_figure(width * (1 + BESIDE * bool(side)), max(height, 2.9 if side else 0.0))
        areas: Any = figure.subfigures(1, 2, width_ratios=(1, BESIDE)) if side else [figure]
        grid: Any = areas[0].subplots(
            len(rows), 1, sharex=True, squeeze=False, height_ratios=[panel.height for panel in rows]
        )
        for panel, axes in zip(rows, grid[:, 0], strict=True):
            panel.draw(axes)
            if panel.target and weight is not None:
                panels.unscored(axes, weight)
            axes.tick_params(axis="x", length=0 if axes is not grid[-1, 0] else 2)
            borders(axes, batch, row, steps)
        grid[-1, 0].set(xlim=(-0.5, steps - 0.5), xlabel="step")
        grid[-1, 0].xaxis.get_major_locator().set_params(integer=True)
        period_names(grid[0, 0], batch, spec, row, steps, room=9.4 * width / steps)
        if side:
            _beside(areas[1], batch, row, steps, side)
        if title:
            figure.suptitle(title, fontsize=9.5)
        return figure


def _check(batch: Batch, spec: TaskSpec | None, row: int, outputs: Tensor | None) -> None:
    if not isinstance(batch, Batch):
        raise TaskError(f"batch: expected a srnn_tasks.Batch; got {type(batch).__name__}")
    if spec is not None and not isinstance(spec, TaskSpec):
        raise TaskError(f"spec: expected the spec of a source, a TaskSpec; got {type(spec).__name__}")
    if not (isinstance(row, int) and -batch.size <= row < batch.size):
        raise TaskError(f"row: expected 0 to {batch.size - 1}; got {row!r}")
    if outputs is not None and (outputs.ndim != 3 or outputs.shape[:2] != (batch.steps, batch.size)):
        raise TaskError(
            f"outputs: expected (T, B, O) with T = {batch.steps}, B = {batch.size}; got {tuple(outputs.shape)}"
        )
    if spec is not None:
        width = None if batch.inputs.ndim == 2 else batch.inputs.shape[2]
        if width != (None if spec.tokens else spec.inputs):
            raise TaskError(f"spec: expected the spec of this batch; its inputs are {tuple(batch.inputs.shape)}")


def _has_path(batch: Batch) -> bool:
    return "position" in batch.info and batch.info["position"].shape == (batch.steps, batch.size, 2)


def _shown(batch: Batch, row: int) -> int:
    """Return the number of steps without the padding at the end: unscored steps at which nothing is shown."""
    if batch.weight is None or batch.inputs.ndim == 2:
        return batch.steps
    used = (panels.array(batch.weight[:, row]) != 0) | (panels.array(batch.inputs[:, row]) != 0).any(-1)
    return int(np.flatnonzero(used)[-1]) + 1 if used.any() else batch.steps


def _beside(area: Any, batch: Batch, row: int, steps: int, side: list[str]) -> None:
    grid: Any = area.subplots(
        len(side), 1, squeeze=False, height_ratios=[2.4 if part == "position" else 1 for part in side]
    )
    for part, axes in zip(side, grid[:, 0], strict=True):
        if part == "start":
            assert batch.start is not None
            panels.code(axes, panels.array(batch.start[row]))
            continue
        positions = panels.array(batch.info["position"][:steps, row])
        if "initial_position" in batch.info:
            positions = np.concatenate([panels.array(batch.info["initial_position"][row])[None], positions])
        panels.path(axes, positions)
