"""Figures of experiments of one's own: the learning curves of all of them on common axes."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..tables import FilledCell
from ._curves import Curve, loss_curves, metric_curves, varies
from ._texts import slug

if TYPE_CHECKING:
    from ..drawing import Drawing

SPAN = 20.0  # an axis is logarithmic above this ratio of largest to smallest value


def own_drawings(anchor: str, metric: str, cells: Mapping[str, FilledCell]) -> list[Drawing]:
    """Return the training losses, and the evaluations of the metric if there are any; `cells` are those of one stage.

    `anchor` is the prefix of the names of the figures.
    """
    from ..drawing import style  # imports matplotlib

    with style():
        losses = _curves(cells, loss_curves)
        metrics = _curves(cells, lambda line, cell: metric_curves(line, cell, metric))
        drawings = []
        if losses:
            name, caption = f"{anchor}-curves", "Mean training loss per epoch"
            drawings.append(_drawing(name, "Learning curves", caption, losses, "epoch", "training loss"))
        if varies(curve for curves in metrics.values() for curve in curves):
            shown = metric.replace("_", " ")
            name, caption = f"{anchor}-validation-{slug(metric)}", f"Mean {shown} on the validation split"
            labels = ("optimizer steps", f"validation {shown}")
            drawings.append(_drawing(name, f"Validation {shown}", caption, metrics, *labels))
        return drawings


def _curves(
    cells: Mapping[str, FilledCell], read: Callable[[str, FilledCell], Iterator[Curve]]
) -> dict[str, list[Curve]]:
    """Return the curves of each experiment that has any, one per stage."""
    found = {name: list(read(name, cell)) for name, cell in cells.items()}
    return {name: curves for name, curves in found.items() if curves}


def _drawing(name: str, title: str, caption: str, lines: Mapping[str, Sequence[Curve]], x: str, y: str) -> Drawing:
    from matplotlib.lines import Line2D

    from ..drawing import INK, Drawing, canvas, legend, legend_height, logarithmic, series

    looks = {line: series(number) for number, line in enumerate(lines)}
    figure, axes = canvas(2.6 + max(0.5, legend_height(looks)))
    for line, curves in lines.items():
        look = looks[line]
        for curve in curves:
            means = [statistics.fmean(values) for values in curve.values]
            axes.plot(curve.places, means, markevery=(0, max(1, len(means) // 5)), linewidth=1.5, markersize=4, **look)
            if curve.n > 1:
                low, high = [min(values) for values in curve.values], [max(values) for values in curve.values]
                axes.fill_between(curve.places, low, high, color=look["color"], alpha=0.15, linewidth=0)
    for start in sorted({curve.start for curves in lines.values() for curve in curves[1:]}):
        axes.axvline(start, color=INK, linewidth=0.8, linestyle="dotted")
    values = [value for curves in lines.values() for curve in curves for of_runs in curve.values for value in of_runs]
    if min(values) > 0 and max(values) > SPAN * min(values):
        logarithmic(axes, "y")
    axes.set(xlabel=x, ylabel=y)
    legend(figure, {line: Line2D([], [], **look) for line, look in looks.items()})
    several = any(len(curves) > 1 for curves in lines.values())
    caption += "; the band spans the minimum and maximum over runs. "
    caption += "Dotted: a stage after the first one begins. " if several else ""
    runs = ", ".join(f"{line} ({', then '.join(_counts(curves))})" for line, curves in lines.items())
    return Drawing(name, title, f"{caption}Runs: {runs}.", figure)


def _counts(curves: Sequence[Curve]) -> list[str]:
    """Return the number of runs of each stage, once if it does not change."""
    counts = [str(curve.n) for curve in curves]
    return counts[:1] if len(set(counts)) == 1 else counts
