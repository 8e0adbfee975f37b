"""Figures of learning curves: training loss by epoch and validation metrics by step, one stage after the other."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ..drawing import INK, Drawing, legend, legend_height, logarithmic, panels, series
from ..tables import Summary
from ._curves import Curve, Panel, cells_of, loss_curves, metric_curves, metrics_of, panels_of, varies
from ._texts import anchor, slug

Panels = Mapping[Panel, Sequence[Curve]]

NARROW, WIDE = 30, 62  # characters of a title that fit above a panel of half and of full width

SPAN = 20.0  # the loss axis is logarithmic above this ratio of largest to smallest loss


def curves(summary: Summary) -> list[Drawing]:
    """Draw the training loss, and each metric, over the course of training: one figure each, with panels.

    If all columns of a row read the same experiment, there is one panel with one line per row. Else rows with the same
    experiments share a panel, with one line per column.
    """
    of_table = panels_of(summary)
    losses = {
        panel: [curve for line, cell in panel.lines.items() for curve in loss_curves(line, cell)] for panel in of_table
    }
    drawings = _losses(summary, {panel: drawn for panel, drawn in losses.items() if drawn})
    for metric in metrics_of(summary, summary.table.rows):
        courses = {
            panel: [curve for line, cell in panel.lines.items() for curve in metric_curves(line, cell, metric)]
            for panel in of_table
            if metric in metrics_of(summary, panel.rows)
        }
        drawings += _metric(summary, {panel: drawn for panel, drawn in courses.items() if drawn}, metric)
    return drawings


def _losses(summary: Summary, drawn: Panels) -> list[Drawing]:
    if not drawn:
        return []
    figure, grid = _figure(drawn, "epoch", "training loss")
    losses = [loss for curves in drawn.values() for curve in curves for values in curve.values for loss in values]
    for axes, curves in zip(grid, drawn.values(), strict=True):
        _name_stages(axes, curves)
        axes.xaxis.set_major_locator(MaxNLocator(4 if len(grid) > 1 else 6, integer=True))
        if min(losses) > 0 and max(losses) > SPAN * min(losses):
            logarithmic(axes, "y")
    caption = f"Mean training loss per epoch; the band spans the minimum and maximum over runs. {_runs(drawn)}"
    return [Drawing(f"{anchor(summary)}-curves", "Learning curves", caption, figure)]


def _metric(summary: Summary, drawn: Panels, metric: str) -> list[Drawing]:
    if not varies(curve for curves in drawn.values() for curve in curves):
        return []
    name = metric.replace("_", " ")
    figure, grid = _figure(drawn, "optimizer steps", f"validation {name}")
    guides: set[float] = set()
    for axes, (panel, curves) in zip(grid, drawn.items(), strict=True):
        axes.set_xlim(left=0)
        _name_stages(axes, curves)
        readings = [cell.cell.reading for cell in cells_of(summary, panel.rows)]
        of_panel = {guide for reading in readings if reading.course == metric for guide in reading.guides()}
        for guide in sorted(of_panel):
            axes.axhline(guide, color=INK, linewidth=0.8, linestyle="dashed")
        guides |= of_panel
    dashed = f"Dashed: {', '.join(f'{guide:g}' for guide in sorted(guides))}. " if guides else ""
    caption = (
        f"Mean {name} on the validation split; the band spans the minimum and maximum over runs. {dashed}{_runs(drawn)}"
    )
    return [Drawing(f"{anchor(summary)}-validation-{slug(metric)}", f"Validation {name}", caption, figure)]


def _figure(drawn: Panels, xlabel: str, ylabel: str) -> tuple[Figure, list[Axes]]:
    """Draw the curves of each panel, with one legend for all."""
    looks = {curve.line: series(panel.names.index(curve.line)) for panel, curves in drawn.items() for curve in curves}
    titles = [panel.title for panel in drawn] if len(drawn) > 1 else [""]
    columns = 2 if len(drawn) > 1 and max(map(len, titles)) <= NARROW else 1
    legend_inches = max(0.5, legend_height(looks))
    figure, grid = panels(len(drawn), 2.6 if len(drawn) == 1 else 1.9, columns=columns, extra=legend_inches)
    for number, (axes, title, curves) in enumerate(zip(grid, titles, drawn.values(), strict=True)):
        for curve in curves:
            _draw(axes, curve, looks[curve.line])
        if title:
            axes.set_title(fill(title, NARROW if columns == 2 else WIDE), loc="left", pad=15, fontweight="bold")
        if number + columns >= len(grid):
            axes.set_xlabel(xlabel)
        if number % columns == 0:
            axes.set_ylabel(fill(ylabel, NARROW))
    legend(figure, {line: Line2D([], [], **look) for line, look in looks.items()})
    return figure, grid


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
    left = axes.get_xlim()[0]
    for start, names in starts.items():
        if start >= 1:
            axes.axvline(start, color=INK, linewidth=0.8, linestyle="dotted")
        axes.annotate(
            " / ".join(names),
            (max(start, left), 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(3, 2),
            textcoords="offset points",
            fontsize=8.5,
            fontstyle="italic",
        )


def _runs(drawn: Panels) -> str:
    """Return how many runs the lines have: each line in a figure of one panel, stage by stage if the number differs."""
    if len(drawn) > 1:
        numbers = sorted({curve.n for curves in drawn.values() for curve in curves})
        return f"Runs per curve: {numbers[0] if len(numbers) == 1 else f'{numbers[0]} to {numbers[-1]}'}."
    texts = []
    (curves,) = drawn.values()
    for line in dict.fromkeys(curve.line for curve in curves):
        of_stages = [curve.n for curve in curves if curve.line == line]
        number = of_stages[0] if len(set(of_stages)) == 1 else ", then ".join(map(str, of_stages))
        texts.append(f"{line} ({number})")
    return f"Runs: {', '.join(texts)}."
