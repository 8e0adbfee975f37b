"""The report as one self-contained HTML page, and the figures as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined

from .._files import write_atomically
from ..tables import Summary
from ._section import section, total_verdicts
from ._table_figures import drawings
from ._texts import counted, judgement_numbers

if TYPE_CHECKING:
    from ..drawing import Drawing

SHOWN = 12  # figures per table that are visible; the others are folded


def write_html(summaries: Sequence[Summary], path: str | Path) -> Path:
    """Write the report as one file with tables, claims and figures; the same results give the same bytes."""
    templates = Templates(
        loader=PackageLoader("srnn_bench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [section(summary) for summary in summaries]
    page = templates.get_template("report.html.jinja").render(
        sections=sections,
        figures={part.anchor: _inline_figures(part.summary) for part in sections},
        shown=SHOWN,
        counted=counted,
        judgement_numbers=judgement_numbers,
        verdicts=total_verdicts(sections),
    )
    target = Path(path)
    write_atomically(target, page.encode())
    return target


def write_figures(summaries: Sequence[Summary], folder: str | Path) -> list[Path]:
    """Write each figure as `<table>-<scale>-<what>.svg` and `.png`; return the paths."""
    from ..drawing import write_drawing

    drawn = (drawing for summary in summaries for drawing in drawings(summary))
    return [path for drawing in drawn for path in write_drawing(drawing, Path(folder))]


def _inline_figures(summary: Summary) -> list[tuple[Drawing, str]]:
    from ..drawing import inline_svg

    return [(drawing, inline_svg(drawing)) for drawing in drawings(summary)]
