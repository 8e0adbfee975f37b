"""All figures of a table, as drawings.

A kind of figure is a function that takes a `Summary` and returns any number of drawings. To add one, add the function
to `of_cells`, or to `of_studies` for one of draws.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..tables import Study, Summary

if TYPE_CHECKING:
    from ..drawing import Drawing


def drawings(summary: Summary) -> list[Drawing]:
    """Return all figures of a table, each with a unique name."""
    from ..drawing import style  # imports matplotlib, as the kinds do
    from ._curve_figures import curves
    from ._density_figures import against_density
    from ._dot_figures import cells, step_times
    from ._study_figures import predicted, scatters

    of_cells, of_studies = (cells, curves, against_density, step_times), (scatters, predicted)
    kinds = of_studies if isinstance(summary.table, Study) else of_cells
    by_name: dict[str, Drawing] = {}
    with style():
        for drawing in (drawing for draw in kinds for drawing in draw(summary)):
            name, number = drawing.name, 1
            while name in by_name:  # two rows whose names differ only in special characters
                number += 1
                name = f"{drawing.name}-{number}"
            by_name[name] = replace(drawing, name=name)
    return list(by_name.values())
