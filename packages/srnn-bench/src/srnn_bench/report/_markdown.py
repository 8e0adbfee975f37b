"""The report as GitHub Markdown, e.g. for `docs/results/`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from .._files import write_atomically
from ..tables import Summary
from ._section import Section, section, total_verdicts
from ._sheets import Sheet
from ._texts import counted


def write_markdown(summaries: Sequence[Summary], path: str | Path, figures: Sequence[Path] = ()) -> Path:
    """Write the report as Markdown.

    `figures` are paths as `write_figures` returns them; the report shows the SVG files among them.
    """
    target = Path(path)
    sections = [section(summary) for summary in summaries]
    parts = ["# srnn report", *_overview(sections)]
    for part in sections:
        drawn = [figure for figure in figures if figure.suffix == ".svg" and figure.name.startswith(f"{part.anchor}-")]
        parts += _section(part, [(figure.stem, _relative(figure, target.parent)) for figure in drawn])
    write_atomically(target, ("\n\n".join(parts) + "\n").encode())
    return target


def _relative(figure: Path, folder: Path) -> str:
    return Path(os.path.relpath(figure, folder)).as_posix()


def _overview(sections: Sequence[Section]) -> Iterator[str]:
    if not sections:
        yield "The store has no results of any table yet. Run `srnn run moduli/table1 --scale smoke` for a small one."
    if len(sections) > 1:
        yield _bullets(
            f"{escape(part.heading)}: {counted(part.counts)}"
            + (f"; claims {counted(part.verdicts)}" if part.judgements else "")
            for part in sections
        )
        if any(part.judgements for part in sections):
            yield f"Claims of all tables: {counted(total_verdicts(sections))}."


def _section(part: Section, figures: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield f"## {escape(part.heading)}"
    yield "```console\n" + "\n".join(part.commands) + "\n```"
    yield _grid(part.cells)
    yield escape(part.caption)
    yield f"Runs: {counted(part.counts)}."
    if part.remarks:
        yield _bullets(escape(remark) for remark in part.remarks)
    if part.judgements:
        yield f"### Claims: {counted(part.verdicts)}"
        yield _grid(part.claims)
    for sheet in (part.densities, part.steps, part.spread):
        if sheet.rows:
            yield f"### {escape(sheet.title)}"
            yield _grid(sheet)
    if figures:
        yield "### Figures"
        yield "\n\n".join(f"![{escape(name)}]({link})" for name, link in figures)
    if part.environments:
        yield "### Environment"
        yield _bullets(escape(environment) for environment in part.environments)


def _bullets(lines: Iterator[str] | Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _grid(sheet: Sheet) -> str:
    text = [index < sheet.labels or index >= len(sheet.columns) - sheet.words for index in range(len(sheet.columns))]
    rule = tuple(":---" if words else "---:" for words in text)
    rows = [tuple(map(escape, sheet.columns)), rule, *(tuple(map(escape, row)) for row in sheet.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def escape(text: str) -> str:
    """Return a text escaped for a line or a table cell of GitHub Markdown."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*\[\]|~$])|((?<!\w)_|_(?!\w))", r"\\\g<0>", text)
    return re.sub(r"\s*\n\s*", "<br>", text)
