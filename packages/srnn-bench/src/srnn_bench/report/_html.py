"""The report as one self-contained HTML page, and the figures as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined

from .._files import write_atomically
from ..tables import EXPLORATORY
from ._section import Section, total_verdicts
from ._texts import EMPTY

SHOWN = 12  # figures per table that are visible; the others are folded


def write_html(sections: Sequence[Section], path: str | Path) -> Path:
    """Write the report as one file with findings, tables and figures; the same results give the same bytes."""
    templates = Templates(
        loader=PackageLoader("srnn_bench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = templates.get_template("report.html.jinja").render(
        sections=sections,
        shown=SHOWN,
        exploratory=EXPLORATORY,
        empty=EMPTY.replace("`", ""),
        verdicts=total_verdicts(sections),
    )
    target = Path(path)
    write_atomically(target, page.encode())
    return target


def write_figures(sections: Sequence[Section], folder: str | Path) -> list[Path]:
    """Write each figure as `<table>-<scale>-<what>.svg` and `.png`; return the paths."""
    from ..drawing import write_drawing

    drawn = (drawing for part in sections for drawing in part.drawings)
    return [path for drawing in drawn for path in write_drawing(drawing, Path(folder))]
