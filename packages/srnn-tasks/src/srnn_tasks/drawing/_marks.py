"""Marks over the panels of a plot: borders of periods and trials, and the names of the periods."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..contract import Batch, TaskSpec
from ._figure import INK
from ._panels import array


def _changes(batch: Batch, name: str, row: int, steps: int) -> list[int]:
    """Return the steps at which an integer entry `(T, B)` of `info` changes."""
    entry = batch.info.get(name)
    if entry is None or entry.shape != (batch.steps, batch.size) or entry.is_floating_point():
        return []
    return (1 + np.flatnonzero(np.diff(array(entry[:steps, row])))).tolist()


def borders(axes: Any, batch: Batch, row: int, steps: int) -> None:
    """Draw a vertical line where a period begins, and a heavier one where a trial begins."""
    for name, width in (("period", 0.5), ("trial", 1.3)):
        for step in _changes(batch, name, row, steps):
            axes.axvline(step - 0.5, color=INK, linewidth=width, alpha=0.55)


def period_names(axes: Any, batch: Batch, spec: TaskSpec | None, row: int, steps: int, *, room: float) -> None:
    """Write the names of the periods above the first panel, slanted if one does not fit; room: letters per step."""
    starts = [0, *_changes(batch, "period", row, steps), steps]
    if spec is None or not spec.periods or len(starts) == 2 or len(starts) > 12:
        return
    numbers = [int(batch.info["period"][begin, row]) for begin in starts[:-1]]
    names = [spec.periods[number] if number < len(spec.periods) else str(number) for number in numbers]
    fits = all(len(name) < room * (end - begin) for name, begin, end in zip(names, starts, starts[1:], strict=False))
    for name, begin, end in zip(names, starts, starts[1:], strict=False):
        axes.annotate(
            name,
            ((begin + end - 1) / 2, 1.0),
            xytext=(0, 3),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center" if fits else "left",
            va="bottom",
            rotation=0 if fits else 25,
            fontsize=7,
        )
