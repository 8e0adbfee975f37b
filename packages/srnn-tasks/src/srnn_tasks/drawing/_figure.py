"""The figure that a plot is drawn into, under any settings of matplotlib and any backend."""

from __future__ import annotations

import importlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from ..contract import TaskError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#1f2328"  # axes and text
BLUE, ORANGE, GREEN, PINK, BROWN, VIOLET = "#1f83c4", "#d55e00", "#009e73", "#c0569b", "#a87900", "#8566c9"
COLOURS = (BLUE, ORANGE, GREEN, PINK, BROWN, VIOLET)

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # part of matplotlib
    "font.size": 8.0,
    "text.color": INK,
    "text.parse_math": False,  # names of channels are shown literally
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 2.0,
    "ytick.major.size": 2.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "axes.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "srnn",
}


@contextmanager
def style() -> Iterator[None]:
    """Apply the settings of this package within the block, whatever the settings of the user are."""
    matplotlib = _matplotlib()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, width and height in inches. A notebook shows it without pyplot."""
    return _figure_class()(figsize=(width, height), layout="constrained")  # type: ignore[no-any-return]


def _matplotlib() -> Any:
    """Import matplotlib. The backend that MPLBACKEND names is not needed, and may not exist here."""
    backend = os.environ.pop("MPLBACKEND", None)
    try:
        return importlib.import_module("matplotlib")
    except ImportError as error:
        raise TaskError("plot requires matplotlib: pip install 'srnn-tasks[plot]'") from error
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend


@cache
def _figure_class() -> Any:
    base: Any = importlib.import_module("matplotlib.figure").Figure

    class TrialFigure(base):  # type: ignore[misc]
        """A figure that a notebook shows as PNG; matplotlib's own is shown only if pyplot has been set up."""

        def _repr_png_(self) -> bytes:
            file = io.BytesIO()
            self.savefig(file, format="png", dpi=110)
            return file.getvalue()

    return TrialFigure
