"""The report and the claims in the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from ..tables import Judgement, Summary, Verdict, judge
from ._section import Section, section
from ._sheets import Sheet
from ._texts import counted, judgement_numbers, verdict_line

STYLES: dict[Verdict, str] = {"supported": "bold green", "contradicted": "bold red", "undecided": "yellow"}


def print_report(summaries: Iterable[Summary], console: Console) -> None:
    """Print each table; a cell shows our mean ± sample sd (number of runs), and the paper's numbers below."""
    for summary in summaries:
        _print_section(section(summary), console)


def print_claims(summaries: Iterable[Summary], console: Console) -> None:
    """Print the claims of each table with verdict, statement, reason and numbers, and the number of verdicts."""
    counts: Counter[str] = Counter()
    for summary in summaries:
        if not summary.table.claims:
            continue
        judgements = judge(summary)
        counts.update(judgement.verdict for judgement in judgements)
        console.print(Text(summary.table.heading, style="bold"), highlight=False)
        grid = Grid.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for judgement in judgements:
            _add_claim(grid, judgement, summary.table.unit)
        console.print(grid, highlight=False)
    total = counted({verdict: counts[verdict] for verdict in STYLES}) if counts else "no table has claims"
    console.print(Text(total, style="bold"), highlight=False)


def _add_claim(grid: Grid, judgement: Judgement, unit: str) -> None:
    claim = judgement.claim
    numbers = "; ".join(f"{name}: {text}" for name, text in judgement_numbers(judgement, unit).items())
    grid.add_row(Text(judgement.verdict, style=STYLES[judgement.verdict]), Text(claim.name, style="bold"))
    grid.add_row("", Text(f"{claim.statement} ({claim.source})"))
    grid.add_row("", Text(judgement.reason))
    grid.add_row("", Text(numbers, style="dim"))
    grid.add_row("", "")


def _print_section(part: Section, console: Console) -> None:
    _print(console, part.heading, style="bold")
    console.print(_grid(part.cells))
    _print(console, part.caption)
    for remark in part.remarks:
        _print(console, f"- {remark}")
    if part.judgements:
        console.print()
        _print(console, f"Claims: {counted(part.verdicts)}", style="bold")
        for judgement in part.judgements:
            _print(console, f"- {verdict_line(judgement)}")
    if part.densities.rows:
        console.print()
        _print(console, part.densities.title, style="bold")
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


def _print(console: Console, text: str, style: str | None = None) -> None:
    console.print(text, markup=False, highlight=False, style=style)
