"""`srnn report` and `srnn claims`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..report import print_claims, print_report, write_figures, write_html, write_markdown
from ..tables import ledger
from ._app import app, console, print_line
from ._arguments import (
    OneScale,
    Results,
    Settings,
    Tables,
    summaries,
)


@app.command("report")
def report_(
    tables: Tables = None,
    scale: OneScale = None,
    settings: Settings = None,
    format: Annotated[Literal["html", "md"], typer.Option(help="md is Markdown.")] = "html",
    output: Annotated[Path | None, typer.Option(help="File to write; default: report.html or .md in results.")] = None,
    figures: Annotated[bool, typer.Option(help="Write the figures as files too, beside the report.")] = True,
    results: Results = Path("results"),
) -> None:
    """Print the tables that have results, the paper's numbers beside ours, and write report and figures."""
    shown = [summary for summary in summaries(tables, scale, settings, results) if summary.results]
    target = output or results / f"report.{format}"
    files = write_figures(shown, target.parent / "figures") if figures else []
    path = write_html(shown, target) if format == "html" else write_markdown(shown, target, files)
    print_report(shown, console)
    print_line(f"{len(shown)} tables; written to {path}" + (f", figures to {files[0].parent}" if files else ""))


@app.command("claims")
def claims_(
    tables: Tables = None,
    scale: OneScale = None,
    settings: Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, a row a claim.")] = False,
    results: Results = Path("results"),
) -> None:
    """Print the ledger: each claim of the papers with its verdict, at each scale that has results."""
    found = summaries(tables, scale, settings, results)
    if as_json:
        typer.echo(json.dumps(ledger(found), indent=2))
    else:
        held = [summary for summary in found if summary.results]
        print_claims(held or found, console)
