"""The report as GitHub Markdown, e.g. for `docs/results/`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from .._files import write_atomically
from ._section import Section, total_verdicts
from ._sheets import Sheet
from ._texts import EMPTY, counted


def write_markdown(sections: Sequence[Section], path: str | Path, figures: Sequence[Path] = ()) -> Path:
    """Write the report as Markdown.

    `figures` are paths as `write_figures` returns them; the report shows the SVG files among them.
    """
    target = Path(path)
    parts = ["# srnn report", *_overview(sections)]
    for part in sections:
        names = {drawing.name for drawing in part.drawings} if figures else set()
        drawn = [figure for figure in figures if figure.suffix == ".svg" and figure.stem in names]
        parts += _section(part, [(figure.stem, _relative(figure, target.parent)) for figure in drawn])
    write_atomically(target, ("\n\n".join(parts) + "\n").encode())
    return target


def _relative(figure: Path, folder: Path) -> str:
    return Path(os.path.relpath(figure, folder)).as_posix()


def _overview(sections: Sequence[Section]) -> Iterator[str]:
    """Yield the findings of all tables, then the tables by how their runs ended."""
    if not sections:
        yield EMPTY
    with_findings = [part for part in sections if part.findings]
    if with_findings:
        yield f"## Findings: {counted(total_verdicts(sections))}"
    for part in with_findings:
        if len(sections) > 1:
            yield f"### {escape(part.heading)}"
        yield _bullets(f"**{each.verdict}**: {escape(f'{each.statement} ({each.reason})')}" for each in part.findings)
    if len(sections) > 1:
        yield "## Tables"
        yield _bullets(f"{escape(part.heading)}: {counted(part.counts)}" for part in sections)


def _section(part: Section, figures: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield f"## {escape(part.heading)}"
    if part.noise:
        yield f"**{escape(part.noise)}**"
    yield "```console\n" + "\n".join(part.commands) + "\n```"
    yield _grid(part.cells)
    yield escape(part.caption)
    yield f"Runs: {counted(part.counts)}."
    if part.remarks:
        yield _bullets(escape(remark) for remark in part.remarks)
    if part.judgements:
        yield f"### Claims: {counted(part.verdicts)}"
        yield _bullets(map(escape, part.protocol))
        yield _grid(part.claims)
    for sheet in (*part.shown, *part.folded):
        if sheet.rows:
            yield f"### {escape(sheet.title)}"
            yield _grid(sheet)
    if figures:
        yield "### Figures"
        yield "\n\n".join(f"![{escape(name)}]({link})" for name, link in figures)
    if part.environments:
        yield "### Environment"
        yield _bullets(escape(environment) for environment in part.environments)


def _bullets(lines: Iterable[str]) -> str:
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
