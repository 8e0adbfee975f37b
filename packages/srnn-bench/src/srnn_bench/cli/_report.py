"""`srnn report` and `srnn claims`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..report import print_claims, print_report, write_figures, write_html, write_markdown
from ..tables import ledger
from ._app import app, console, print_line
from ._arguments import Results, ScaleNames, Settings, Tables, output_folder, summaries


@app.command("report")
def report_(
    tables: Tables = None,
    scale: ScaleNames = None,
    settings: Settings = None,
    format: Annotated[Literal["html", "md"], typer.Option(help="HTML, or md for Markdown.")] = "html",
    output: Annotated[
        Path | None, typer.Option(help="File to write; default: report.html or report.md in the results folder.")
    ] = None,
    figures: Annotated[bool, typer.Option(help="Also write the figures as files, next to the report.")] = True,
    results: Results = Path("results"),
) -> None:
    """Print the tables that have results, with the paper's numbers, and write the report and its figures."""
    shown = [summary for summary in summaries(tables, scale, settings, results) if summary.results]
    target = output or output_folder(results) / f"report.{format}"
    files = write_figures(shown, target.parent / "figures") if figures else []
    path = write_html(shown, target) if format == "html" else write_markdown(shown, target, files)
    print_report(shown, console)
    print_line(f"{len(shown)} tables; written to {path}" + (f", figures to {files[0].parent}" if files else ""))


@app.command("claims")
def claims_(
    tables: Tables = None,
    scale: ScaleNames = None,
    settings: Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list with one object per claim.")] = False,
    results: Results = Path("results"),
) -> None:
    """Print the claims of the papers with their verdicts, at each scale that has results."""
    requested = summaries(tables, scale, settings, results)
    if as_json:
        typer.echo(json.dumps(ledger(requested), indent=2))
    else:
        with_results = [summary for summary in requested if summary.results]
        print_claims(with_results or requested, console)
