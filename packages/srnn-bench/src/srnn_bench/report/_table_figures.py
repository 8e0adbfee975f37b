"""The figures of a table. One figure more is one function more in FIGURES.

Such a function takes a Summary and returns any number of drawings, none where there is nothing to draw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..drawing import Drawing, style
from ..tables import Summary
from ._curve_figures import curves
from ._density_figures import against_density
from ._dot_figures import cells, step_times

FIGURES: tuple[Callable[[Summary], list[Drawing]], ...] = (cells, curves, against_density, step_times)


def drawings(summary: Summary) -> list[Drawing]:
    """Draw all figures of a table; each has a name of its own."""
    found: dict[str, Drawing] = {}
    with style():
        for drawing in (drawing for draw in FIGURES for drawing in draw(summary)):
            name, number = drawing.name, 1
            while name in found:  # two rows whose names differ only in signs
                number += 1
                name = f"{drawing.name}-{number}"
            found[name] = replace(drawing, name=name)
    return list(found.values())
