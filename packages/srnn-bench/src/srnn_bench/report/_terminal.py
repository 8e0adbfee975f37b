"""The report in the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from ..tables import Judgement, Summary, judge
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


STYLES = {"supported": "bold green", "contradicted": "bold red", "undecided": "yellow"}


def print_claims(summaries: Iterable[Summary], console: Console) -> None:
    """Print the claims of each table with verdict, statement, reason and numbers, and the count of verdicts."""
    counts: Counter[str] = Counter()
    for summary in summaries:
        if not summary.table.claims:
            continue
        table = summary.table
        console.print(Text(table.heading, style="bold"), highlight=False)
        grid = Grid.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for judgement in judge(summary):
            counts[judgement.verdict] += 1
            claim = judgement.claim
            grid.add_row(Text(judgement.verdict, style=STYLES[judgement.verdict]), Text(claim.name, style="bold"))
            grid.add_row("", Text(f"{claim.statement} ({claim.source})"))
            grid.add_row("", Text(judgement.reason))
            numbers = figures(judgement, table.unit)
            if numbers:
                grid.add_row("", Text(numbers, style="dim"))
            grid.add_row("", "")
        console.print(grid, highlight=False)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in STYLES) if counts else "no table has claims"
    console.print(Text(told, style="bold"), highlight=False)


def figures(judgement: Judgement, unit: str) -> str:
    """Write the numbers of a judgement in one line, those there are; the estimate where the reason does not."""
    parts = []
    if judgement.estimate is not None and str(judgement.deciding) not in judgement.reason:
        parts.append(f"{judgement.deciding}: {judgement.estimate:.3g} {unit}")
    for name, interval in (("95 %", judgement.interval), ("bootstrap 95 %", judgement.bootstrap)):
        if interval is not None:
            parts.append(f"{name} {interval[0]:.3g} to {interval[1]:.3g}")
    for name, number in (
        ("Hedges' g", judgement.effect),
        ("p", judgement.p),
        ("Holm p", judgement.p_holm),
        ("rank p", judgement.rank_p),
        ("P(better)", judgement.rank_effect),
    ):
        if number is not None:
            parts.append(f"{name} {number:.2g}")
    counts = judgement.n.values()
    if any(counts):
        parts.append(f"n {min(counts)}" + ("" if min(counts) == max(counts) else f" to {max(counts)}"))
    if judgement.diverged:
        parts.append(f"{judgement.diverged} diverged")
    if judgement.missing and any(counts):
        parts.append(f"{judgement.missing} missing")
    return ", ".join(parts)
