"""`srnn publish` and `srnn import`: the runs of tables as files of JSON lines, and back into a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..store import Store, import_runs, read_lines
from ..tables import publish
from ._app import app, print_line
from ._arguments import Results, ScaleName, existing_store, scaled_table


@app.command("publish")
def publish_(
    tables: Annotated[list[str], typer.Argument(help="Tables such as moduli/table1.")],
    scale: ScaleName = "quick",
    to: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("docs/results/runs"),
    results: Results = Path("results"),
) -> None:
    """Write the runs of tables as JSON lines, one file per table and scale, to be committed and shared.

    `srnn report --results FOLDER` reads such a folder directly, and `srnn import` puts its runs into a store.
    """
    store = existing_store(results)
    chosen = [scaled_table(name, scale, None) for name in tables]  # unknown names are refused before writing
    for table in chosen:
        path, summary = publish(table, store, to)
        print_line(f"{path}: {len(summary.results)} of {summary.wanted} runs, {path.stat().st_size / 1024:.0f} KiB")


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Files of JSON lines, as written by `srnn publish`.")],
    replace: Annotated[bool, typer.Option("--replace", help="Replace stored results that have other numbers.")] = False,
    results: Results = Path("results"),
) -> None:
    """Put published runs into a store, so that `srnn run` reuses them. Stored results are kept."""
    runs = read_lines(files)  # before a store is created
    counts = import_runs(Store(results), runs, replace=replace)
    parts = [f"{counts.new} imported", f"{counts.present} already there"]
    if counts.different:
        parts.append(
            f"{counts.different} replaced, which had other numbers"
            if replace
            else f"{counts.different} kept as stored, with other numbers (--replace overwrites them)"
        )
    print_line(f"{len(runs)} runs: {', '.join(parts)}; in {results / 'results.sqlite'}")
