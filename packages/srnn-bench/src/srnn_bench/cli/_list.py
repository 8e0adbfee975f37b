"""`srnn list`."""

from __future__ import annotations

from pathlib import Path

from srnn_tasks import entries

from .. import papers
from ..store import Store
from ..tables import SCALES, summarise
from ._app import app, console, print_line
from ._arguments import (
    Results,
)


@app.command("list")
def list_(results: Results = Path("results")) -> None:
    """List the tables of the papers and the tasks, each with its state."""
    store = Store(results) if results.exists() else None
    console.print("Tables (runs that ended, of those wanted, at each scale)")
    for name in papers.TABLES:
        states = []
        for scale in SCALES:
            table = papers.table(name, scale)
            summary = None if store is None else summarise(table, store)
            ended, wanted = (0, len(table.jobs())) if summary is None else (summary.done, summary.wanted)
            stale = "" if summary is None or not summary.stale else f", {len(summary.stale)} stale"
            states.append(f"{scale} {ended}/{wanted}{stale}")
        print_line(f"  {name:<26} {'; '.join(states)}")
    if store is not None:
        counts = ", ".join(f"{count} {status}" for status, count in sorted(store.statuses().items()))
        print_line(f"Runs in {store.path}: {counts or 'none'}")
    console.print("Tasks")
    for entry in entries():
        state = "ok" if entry.error is None else f"broken: {entry.error}"
        print_line(f"  {entry.kind:<20} {entry.distribution}: {state}")
