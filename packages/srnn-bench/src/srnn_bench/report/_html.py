"""The report as one HTML page that needs nothing beside it, and the figures as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined

from .._files import write_whole
from ..tables import Summary
from ._section import section, total_verdicts
from ._words import counted, evidence

SHOWN = 12  # figures of a table; more are folded


def write_html(summaries: Sequence[Summary], path: str | Path) -> Path:
    """Write the report as one file: tables, claims, figures; the same results give the same bytes."""
    from ..drawing import inline_svg
    from ._table_figures import drawings

    templates = Templates(
        loader=PackageLoader("srnn_bench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [section(summary) for summary in summaries]
    figures = {part.anchor: [(drawing, inline_svg(drawing)) for drawing in drawings(part.summary)] for part in sections}
    page = templates.get_template("report.html.jinja").render(
        sections=sections,
        figures=figures,
        shown=SHOWN,
        counted=counted,
        evidence=evidence,
        verdicts=total_verdicts(sections),
    )
    target = Path(path)
    write_whole(target, page.encode())
    return target


def write_figures(summaries: Sequence[Summary], folder: str | Path) -> list[Path]:
    """Write each figure as `<table>-<scale>-<what>.svg` and `.png`; return the paths."""
    from ..drawing import file_png, file_svg
    from ._table_figures import drawings

    target = Path(folder)
    written = []
    for drawing in (drawing for summary in summaries for drawing in drawings(summary)):
        svg, png = target / f"{drawing.name}.svg", target / f"{drawing.name}.png"
        write_whole(svg, file_svg(drawing).encode())
        write_whole(png, file_png(drawing))
        written += [svg, png]
    return written
