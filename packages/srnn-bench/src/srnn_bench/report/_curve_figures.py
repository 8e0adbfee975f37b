"""Figures of learning curves: training loss by epoch and validation metrics by step, one stage after the other."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..drawing import INK, Drawing, canvas, legend, legend_height, logarithmic, series
from ..tables import Summary
from ._curves import Curve, Panel, cells_of, loss_curves, metric_curves, metrics_of, panels_of
from ._texts import anchor, slug

SPAN = 20.0  # the loss axis is logarithmic above this ratio of largest to smallest loss


def curves(summary: Summary) -> list[Drawing]:
    """Draw loss and metrics over the course of training.

    If all columns of a row read the same experiment, there is one panel with one line per row. Else rows with the same
    experiments share a panel, with one line per column.
    """
    drawings = []
    for panel in panels_of(summary):
        drawn = [curve for line, cell in panel.lines.items() for curve in loss_curves(line, cell)]
        if drawn:
            drawings.append(_loss_panel(summary, panel, drawn))
        for metric in metrics_of(summary, panel.rows):
            drawn = [curve for line, cell in panel.lines.items() for curve in metric_curves(line, cell, metric)]
            if drawn:
                drawings.append(_metric_panel(summary, panel, drawn, metric))
    return drawings


def _loss_panel(summary: Summary, panel: Panel, drawn: Sequence[Curve]) -> Drawing:
    figure, axes = _axes(panel, drawn)
    losses = [loss for curve in drawn for values in curve.values for loss in values]
    if min(losses) > 0 and max(losses) > SPAN * min(losses):
        logarithmic(axes, "y")
    axes.set(xlabel="epoch", ylabel="training loss")
    caption = f"Mean training loss per epoch; the band spans the minimum and maximum over runs. Runs: {_runs(drawn)}."
    name = panel.file(f"{anchor(summary)}-curves")
    return Drawing(name, panel.title("Learning curves"), caption, figure)


def _metric_panel(summary: Summary, panel: Panel, drawn: Sequence[Curve], metric: str) -> Drawing:
    figure, axes = _axes(panel, drawn)
    axes.set(xlabel="optimizer steps", ylabel=f"validation {metric}")
    axes.set_xlim(left=0)
    readings = [cell.cell.reading for cell in cells_of(summary, panel.rows)]
    guides = sorted({guide for reading in readings if reading.course == metric for guide in reading.guides()})
    for guide in guides:
        axes.axhline(guide, color=INK, linewidth=0.8, linestyle="dashed")
    caption = (
        f"Mean {metric} on the validation split; the band spans the minimum and maximum over runs. "
        + (f"Dashed: {', '.join(f'{guide:g}' for guide in guides)}. " if guides else "")
        + f"Runs: {_runs(drawn)}."
    )
    name = panel.file(f"{anchor(summary)}-validation-{slug(metric)}")
    return Drawing(name, panel.title(f"Validation {metric}"), caption, figure)


def _axes(panel: Panel, drawn: Sequence[Curve]) -> tuple[Figure, Axes]:
    looks = {line: series(panel.names.index(line)) for line in _lines(drawn)}
    figure, axes = canvas(2.6 + max(0.5, legend_height(looks)))
    for curve in drawn:
        _draw(axes, curve, looks[curve.line])
    _name_stages(axes, drawn)
    legend(figure, {line: Line2D([], [], **look) for line, look in looks.items()})
    return figure, axes


def _draw(axes: Axes, curve: Curve, look: Mapping[str, Any]) -> None:
    means = [statistics.fmean(values) for values in curve.values]
    every = max(1, len(means) // 5)
    axes.plot(curve.places, means, markevery=(0, every), linewidth=1.5, markersize=4, **look)
    if curve.n > 1:
        low, high = [min(values) for values in curve.values], [max(values) for values in curve.values]
        axes.fill_between(curve.places, low, high, color=look["color"], alpha=0.2, linewidth=0)


def _name_stages(axes: Axes, drawn: Sequence[Curve]) -> None:
    """Write the name of each stage at its start, with a vertical line before all but the first."""
    starts: dict[float, dict[str, None]] = {}
    for curve in drawn:
        starts.setdefault(curve.start, {})[curve.stage] = None
    for start, names in starts.items():
        if start >= 1:
            axes.axvline(start, color=INK, linewidth=0.8, linestyle="dotted")
        axes.annotate(
            " / ".join(names),
            (start, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(3, 2),
            textcoords="offset points",
            fontsize=8.5,
            fontstyle="italic",
        )


def _lines(drawn: Sequence[Curve]) -> list[str]:
    return list(dict.fromkeys(curve.line for curve in drawn))


def _runs(drawn: Sequence[Curve]) -> str:
    """Return how many runs each line has, stage by stage if the number differs."""
    texts = []
    for line in _lines(drawn):
        numbers = [curve.n for curve in drawn if curve.line == line]
        texts.append(f"{line} ({numbers[0] if len(set(numbers)) == 1 else ', then '.join(map(str, numbers))})")
    return ", ".join(texts)
