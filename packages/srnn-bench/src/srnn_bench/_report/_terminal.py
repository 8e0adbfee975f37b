"""The report in the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from .._summary import Summary
from ._section import Section, Sheet, section
from ._words import counted, verdict_line


def print_report(summaries: Iterable[Summary], console: Console) -> None:
    """Print each table: a cell shows our mean ± sample sd (number of runs), and the paper's numbers below."""
    for summary in summaries:
        _print_section(section(summary), console)


def _print_section(part: Section, console: Console) -> None:
    _say(console, part.heading, style="bold")
    console.print(_grid(part.cells))
    _say(console, part.caption)
    for remark in part.remarks:
        _say(console, f"- {remark}")
    if part.judgements:
        console.print()
        _say(console, f"Claims: {counted(part.verdicts)}", style="bold")
        for judgement in part.judgements:
            _say(console, f"- {verdict_line(judgement)}")
    if part.densities.rows:
        console.print()
        _say(console, part.densities.title, style="bold")
        console.print(_grid(part.densities))
    console.print()


def _grid(sheet: Sheet) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD)
    for index, column in enumerate(sheet.columns):
        grid.add_column(Text(column), justify="left" if index < sheet.labels else "right", overflow="fold")
    for row in sheet.rows:
        grid.add_row(*(_lines(text) for text in row))
    return grid


def _lines(text: str) -> Text:
    first, _, second = text.partition("\n")
    return Text.assemble(first, (f"\n{second}", "dim")) if second else Text(first)


def _say(console: Console, text: str, style: str | None = None) -> None:
    console.print(text, markup=False, highlight=False, style=style)
