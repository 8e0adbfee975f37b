"""`srnn backup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..store import backup
from ._app import app, print_line
from ._arguments import Results, existing_store


@app.command("backup")
def backup_(
    file: Annotated[Path, typer.Argument(help="File to write, in an existing folder.")],
    results: Results = Path("results"),
) -> None:
    """Copy the results of a store to one file, also while sweeps are writing to it; without weights."""
    store = existing_store(results)
    counts = ", ".join(f"{count} {status}" for status, count in sorted(store.statuses().items()))
    print_line(f"{counts or 'no runs'}; written to {backup(store, file)}")
