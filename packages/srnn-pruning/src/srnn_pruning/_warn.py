"""Warnings that name the line of the caller, however deep in this package they are raised."""

import sys
import warnings

from ._errors import PruningWarning

_PACKAGE = __name__.partition(".")[0]


def warn(text: str) -> None:
    """Warn with PruningWarning at the line of the innermost frame outside this package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _inside(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, PruningWarning, stacklevel=level)


def _inside(module: str) -> bool:
    return module.partition(".")[0] == _PACKAGE
