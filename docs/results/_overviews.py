"""The parts of a page that are not of one table: families of claims, verdicts under other readings, a forecast."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from _blocks import grid
from rich.console import Console

from srnn_bench import BenchError, Summary, Table, papers, summarise
from srnn_bench.cli import print_plan
from srnn_bench.store import Store
from srnn_bench.tables import VARIANTS, Sensitivity, published_path, sensitivity


def families(runs: Path, store: Store | None) -> Iterator[str]:
    """Yield the families of all tables with claims, with the number of claims of each at quick and at paper."""
    listed: set[str] = set()
    rows = []
    for name in _own_tables():
        table = papers.table(name, "quick")
        if not table.claims or table.family in listed:
            continue
        relatives = table.relatives()
        members = [each for each in (table, *relatives.siblings) if each.claims]
        readings = dict.fromkeys(each.family for each in relatives.readings)
        listed |= {table.family, *readings}
        numbers = [_number(table.family, members, scale) for scale in ("quick", "paper")]
        others = (f"{family} ({_number(family, relatives.readings, 'quick')})" for family in readings)
        rows.append((table.family, ", ".join(each.name for each in members), *numbers, ", ".join(others)))
    names = (
        "family",
        "tables",
        "claims at quick",
        "claims at paper",
        "other readings, each a family (claims at quick)",
    )
    yield grid(names, rows, "llrrl")


def _number(family: str, tables: Sequence[Table], scale: str) -> str:
    """Return the number of claims that the tables of a family have at a scale."""
    scaled = (papers.table(table.name, scale) for table in tables if table.family == family)
    return str(sum(len(table.claims) for table in scaled))


def sensitivities(runs: Path, store: Store | None) -> Iterator[str]:
    """Yield the verdicts on the claims of all published tables as declared and under other readings."""
    scales = () if store is None else tuple(dict.fromkeys(scale for _, scale in store.tables))
    rows: list[tuple[str, ...]] = []
    others, unread = 0, []
    for name, scale in ((name, scale) for scale in scales for name in _own_tables()):
        try:
            summary = summarise(papers.table(name, scale), store)
        except BenchError:  # the learning curves that it reads were not published
            unread.append(f"{name} at {scale}")
            continue
        if summary.table.claims and is_published(summary, runs):
            judged = sensitivity(summary)
            rows += [_varied(each, summary.table) for each in judged if each.variants]
            others += sum(not each.variants for each in judged)
    yield grid(("table", "claim", "as declared", *VARIANTS), rows, "l" * (3 + len(VARIANTS)))
    yield f"Other claims of these tables, which have no such number: {others}."
    if unread:
        yield f"The published runs lack the learning curves that {', '.join(unread)} read{'s' * (len(unread) == 1)}."


def plan(runs: Path, store: Store | None) -> Iterator[str]:
    """Yield what `srnn plan` prints for one table, with its command."""
    table, seeds = papers.table("moduli/table1", "quick"), tuple(range(10, 20))
    printed = io.StringIO()
    if store is not None:
        print_plan(summarise(table, store), seeds, Console(file=printed, width=110))
    lines = (line.rstrip() for line in printed.getvalue().splitlines())
    command = f"srnn plan {table.name} --scale {table.scale} --seeds {seeds[0]}-{seeds[-1]} --results docs/results/runs"
    yield f"```console\n$ {command}\n" + "\n".join(line for line in lines if line) + "\n```"


def _varied(row: Sensitivity, table: Table) -> tuple[str, ...]:
    declared = row.declared.label
    verdicts = {name: judgement.label for name, judgement in row.variants.items()}
    shown = {name: "same" if verdict == declared else verdict for name, verdict in verdicts.items()}
    return (
        f"{table.name} {table.scale}",
        row.declared.claim.name,
        declared,
        *(shown.get(name, "") for name in VARIANTS),
    )


def _own_tables() -> list[str]:
    """Return the names of the tables of this repository, without those of installed plug-ins."""
    own = {entry.name for entry in papers.PAPERS.entries() if entry.distribution == "built-in"}
    return [name for name in papers.table_names() if name.partition("/")[0] in own]


def file_of(summary: Summary, runs: Path) -> Path:
    return published_path(summary.table, runs)


def is_published(summary: Summary, runs: Path) -> bool:
    """Return whether a table has a file of runs, or all its runs are in those of others."""
    return file_of(summary, runs).exists() or summary.wanted == len(summary.results)
