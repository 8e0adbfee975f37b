"""`srnn list`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from srnn_tasks import entries

from .. import papers
from ..store import Store
from ..sweep import EXECUTORS, TRACKERS
from ..tables import SCALES, summarise
from ._app import app, print_line
from ._arguments import Results, existing_store, has_store


@app.command("list")
def list_(
    state: Annotated[
        bool, typer.Option("--state", help="Count the runs of each table at each scale, finished and in total.")
    ] = False,
    results: Results = Path("results"),
) -> None:
    """List the papers with their tables, the tasks, trackers and executors, also those of plug-ins."""
    store = existing_store(results) if state and has_store(results) else None
    for entry in papers.PAPERS.entries():
        if entry.error is not None:
            print_line(f"Paper {entry.name}, {entry.distribution}: broken: {entry.error}")
            continue
        paper = papers.PAPERS.load(entry.name)
        print_line(f"Paper {paper.name}: {paper.title}, arXiv {paper.arxiv} ({entry.distribution})")
        for table, variants in paper.groups.items():
            _print_group(paper, table, variants)
            for name in (table, *variants) if state else ():
                print_line(f"    {paper.full_name(name):<28} {_state(paper, name, store)}")
    if store is not None:
        counts = ", ".join(f"{count} {status}" for status, count in sorted(store.statuses().items()))
        print_line(f"Runs in {store.path}: {counts or 'none'}")
    print_line("Tasks")
    for task in entries():
        _print_extension(task.kind, task.distribution, task.error)
    for heading, extensions in (("Trackers", TRACKERS), ("Executors", EXECUTORS)):
        print_line(heading)
        for entry in extensions.entries():
            _print_extension(entry.name, entry.distribution, entry.error)


def _print_extension(name: str, distribution: str, error: str | None) -> None:
    print_line(f"  {name:<20} {distribution}: {'ok' if error is None else f'broken: {error}'}")


def _print_group(paper: papers.Paper, table: str, variants: tuple[str, ...]) -> None:
    suffixes = ", ".join(variant.removeprefix(table) for variant in variants)
    print_line(f"  {paper.full_name(table):<22} {f'also {suffixes}' if suffixes else ''}".rstrip())


def _state(paper: papers.Paper, name: str, store: Store | None) -> str:
    """Return the numbers of finished and requested runs of a table at each scale."""
    states = []
    for scale in SCALES:
        table = paper.table(name, scale)
        if store is None:
            states.append(f"{scale} 0/{len(table.jobs())}")
            continue
        summary = summarise(table, store)
        stale = f", {len(summary.stale)} stale" if summary.stale else ""
        states.append(f"{scale} {summary.done}/{summary.wanted}{stale}")
    return "; ".join(states)
