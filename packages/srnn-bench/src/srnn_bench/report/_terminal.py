"""The report and the claims in the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from ..tables import EXPLORATORY, Judgement, Summary, Table, judge
from ._claim_numbers import judgement_numbers
from ._protocol import protocol
from ._section import Section, total_verdicts
from ._sheets import Sheet
from ._texts import counted, noise, verdicts

STYLES: dict[str, str] = {
    "supported": "bold green",
    "contradicted": "bold red",
    "equivalent": "bold cyan",
    "undecided": "yellow",
}


def print_report(sections: Sequence[Section], console: Console) -> None:
    """Print the findings, then each table.

    A cell shows our mean ± sample sd (number of runs), and the paper's numbers below. Where the numbers mean nothing, a
    line above the table says so.
    """
    with_findings = [part for part in sections if part.findings]
    for part in with_findings:
        _print(console, f"Findings: {part.heading}", style="bold")
        _print_findings(part, console)
    if len(with_findings) > 1:
        _print(console, f"All findings: {counted(total_verdicts(sections))}", style="bold")
        console.print()
    for part in sections:
        _print_section(part, console)


def print_claims(summaries: Iterable[Summary], console: Console) -> None:
    """Print the claims of each table with verdict, statement, reason and numbers, and the number of verdicts."""
    given: list[str] = []
    for summary in summaries:
        if not summary.table.claims:
            continue
        judgements = judge(summary)
        given += [judgement.label for judgement in judgements]
        console.print(Text(summary.table.heading, style="bold"), highlight=False)
        meaningless = noise(summary)
        for sentence in (meaningless,) if meaningless else protocol(summary):
            _print(console, f"- {sentence}", style="dim")
        grid = Grid.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for judgement in judgements:
            _add_claim(grid, judgement, summary.table)
        console.print(grid, highlight=False)
    total = counted(verdicts(given)) if given else "no table has claims"
    console.print(Text(total, style="bold"), highlight=False)


def _print_findings(part: Section, console: Console) -> None:
    """Print a line per verdict and statement, and the reason below; together where many have the same reason."""
    reasons = Counter(finding.reason for finding in part.findings)
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for finding in part.findings:
        reason = (f"\n{finding.reason}", "dim") if reasons[finding.reason] == 1 else ""
        grid.add_row(_verdict(finding.verdict), Text.assemble(finding.statement, reason))
    for reason, count in reasons.items():
        if count > 1:
            grid.add_row("", Text(f"{count} of these: {reason}", style="dim"))
    console.print(grid, highlight=False)
    for sentence in part.protocol[:1]:  # the seeds; the others stand at the table
        _print(console, sentence, style="dim")
    console.print()


def _verdict(label: str) -> Text:
    """Return a verdict in its colour, with the mark that it is exploratory below it."""
    kind = label.removesuffix(EXPLORATORY)
    mark = (f"\n{EXPLORATORY.strip()}", "dim") if kind != label else ""
    return Text.assemble((kind, STYLES.get(kind, "bold")), mark)


def _add_claim(grid: Grid, judgement: Judgement, table: Table) -> None:
    claim = judgement.claim
    numbers = "; ".join(f"{name}: {text}" for name, text in judgement_numbers(judgement, table).items())
    grid.add_row(
        _verdict(judgement.label), Text.assemble((claim.name, "bold"), f"\n{claim.statement} ({claim.source})")
    )
    grid.add_row("", Text(judgement.reason))
    grid.add_row("", Text(numbers, style="dim"))
    grid.add_row("", "")


def _print_section(part: Section, console: Console) -> None:
    _print(console, part.heading, style="bold")
    if part.noise:
        _print(console, part.noise, style="bold yellow")
    console.print(_grid(part.cells))
    _print(console, part.caption)
    for remark in (*part.remarks, *part.protocol[1:]):
        _print(console, f"- {remark}")
    for sheet in part.shown:
        if sheet.rows:
            console.print()
            _print(console, sheet.title, style="bold")
            console.print(_grid(sheet))
    console.print()


def _grid(sheet: Sheet) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD)
    words = len(sheet.columns) - sheet.words
    for index, column in enumerate(sheet.columns):
        is_text = index < sheet.labels or index >= words
        grid.add_column(Text(column), justify="left" if is_text else "right", overflow="fold")
    for row in sheet.rows:
        grid.add_row(*(_lines(text) for text in row))
    return grid


def _lines(text: str) -> Text:
    first, _, second = text.partition("\n")
    return Text.assemble(first, (f"\n{second}", "dim")) if second else Text(first)


def _print(console: Console, text: str, style: str | None = None) -> None:
    console.print(text, markup=False, highlight=False, style=style)
