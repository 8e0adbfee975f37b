"""The ledger of claims: every claim with its verdict, as plain rows for JSON and as text for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from ._claims import Judgement, judge
from ._summary import Summary

STYLES = {"supported": "bold green", "contradicted": "bold red", "undecided": "yellow"}


def ledger(summaries: Iterable[Summary]) -> list[dict[str, Any]]:
    """Return a row a claim, of values that JSON knows; what cannot be computed is None."""
    return [_row(summary, judgement) for summary in summaries for judgement in judge(summary)]


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


def _row(summary: Summary, judgement: Judgement) -> dict[str, Any]:
    claim, table = judgement.claim, summary.table
    return {
        "table": table.name,
        "scale": table.scale,
        "claim": claim.name,
        "statement": claim.statement,
        "source": claim.source,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "unit": table.unit,
        "better": table.better,
        "n": [{"row": row, "column": column, "n": n} for (row, column), n in judgement.n.items()],
        "diverged": judgement.diverged,
        "missing": judgement.missing,
        "deciding": None if judgement.deciding is None else str(judgement.deciding),
        "bound": None if judgement.deciding is None else judgement.deciding.bound,
        "margin": None if judgement.deciding is None else judgement.deciding.margin,
        "estimate": judgement.estimate,
        "interval": _pair(judgement.interval),
        "bootstrap": _pair(judgement.bootstrap),
        "effect": judgement.effect,
        "p": judgement.p,
        "p_holm": judgement.p_holm,
        "detectable": judgement.detectable,
        "rank_p": judgement.rank_p,
        "rank_effect": judgement.rank_effect,
    }


def _pair(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)
