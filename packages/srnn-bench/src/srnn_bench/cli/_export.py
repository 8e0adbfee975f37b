"""`srnn export` and `srnn schema`."""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from .. import papers
from .._errors import BenchError
from ..experiment import PACKAGES, schemas
from ..store import export
from ._app import app, print_line
from ._arguments import Results, existing_store


@app.command("export")
def export_(
    path: Annotated[Path, typer.Argument(help="File to write: .parquet or .csv.")],
    history: Annotated[
        bool, typer.Option("--history", help="Write one row per epoch instead of one per stage.")
    ] = False,
    results: Results = Path("results"),
) -> None:
    """Write all results as one flat table for pandas, R or a spreadsheet, one row per run, stage and cell of a table.

    The columns table, row, column, label (of an experiment file) and grid.* tell the runs apart.
    """
    store = existing_store(results)
    places = papers.select(store).places()
    print_line(f"written to {export(store, path, history=history, places=places)}")


@app.command("schema")
def schema_(
    package: Annotated[str | None, typer.Argument(help="One package, such as srnn-masks; default: all.")] = None,
) -> None:
    """Print the JSON schemas of the public values of the packages."""
    if package is not None and package not in PACKAGES and (near := get_close_matches(package, PACKAGES)):
        raise BenchError(f"package: no package {package!r}; did you mean {' or '.join(map(repr, near))}?")
    printed = [schemas(name) for name in PACKAGES] if package is None else schemas(package)
    typer.echo(json.dumps(printed, indent=2, sort_keys=True))
