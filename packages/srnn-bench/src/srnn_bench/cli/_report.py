"""`srnn report` and `srnn claims`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from .. import papers
from ..report import (
    Section,
    own_sections,
    print_claims,
    print_report,
    section,
    write_figures,
    write_html,
    write_markdown,
)
from ..store import PublishedRuns, Store
from ..tables import Summary, ledger
from ._app import app, console, print_line, print_progress
from ._arguments import Results, ScaleNames, Settings, Tables, existing_store, output_folder, summaries

Reported = Annotated[list[str] | None, typer.Argument(help="Tables and experiments; default: those that were run.")]


@app.command("report")
def report_(
    tables: Reported = None,
    scale: ScaleNames = None,
    settings: Settings = None,
    format: Annotated[Literal["html", "md"], typer.Option(help="HTML, or md for Markdown.")] = "html",
    output: Annotated[
        Path | None, typer.Option(help="File to write; default: report.html or report.md in the results folder.")
    ] = None,
    figures: Annotated[
        bool, typer.Option(help="Also write the figures as SVG and PNG files, next to the report.")
    ] = False,
    results: Results = Path("results"),
) -> None:
    """Print what was run, with findings and the paper's numbers, and write the report with its figures."""
    store = existing_store(results)
    stored = len(store.keys())
    print_progress(f"reading {stored} {'run' if stored == 1 else 'runs'} from {store.path}")
    selection = papers.select(store, tables or (), scale=scale, settings=settings or ())
    target = output or output_folder(results) / f"report.{format}"
    named: dict[str, Section] = {}
    for summary in selection.summaries:
        name = f"{summary.table.name}, scale {summary.table.scale}"
        print_progress(f"{name}: judging {len(summary.results)} runs")
        part = section(summary)
        named[f"{name}, {part.anchor}" if name in named else name] = part
    named |= {part.heading: part for part in own_sections(selection.own)}
    sections, files = list(named.values()), []
    for name, part in named.items():
        if format == "html" or figures:
            print_progress(f"{name}: drawing figures")
        if format == "html":
            print_progress(f"{name}: drew {len(part.figures)} {'figure' if len(part.figures) == 1 else 'figures'}")
        if figures:
            files += write_figures([part], target.parent / "figures")
    path = write_html(sections, target) if format == "html" else write_markdown(sections, target, files)
    print_report(sections, console)
    for note in selection.notes:
        print_line(note)
    numbers = {"table": len(selection.tables), "experiment": len(selection.own)}
    counted = [f"{n} {noun if n == 1 else noun + 's'}" for noun, n in numbers.items() if n] or ["nothing to show"]
    if not sections and stored:
        print_line(f"{store.path} has {stored} {'run' if stored == 1 else 'runs'}, but {_known(store)}")
    print_line(f"{', '.join(counted)}; written to {path}" + (f", figures to {files[0].parent}" if files else ""))


def _known(store: Store) -> str:
    """Return what the labels of the runs name, as a hint on what to ask for."""
    names = dict.fromkeys(
        label.partition(" ")[0] if "/" in label.partition(" ")[0] else label.rpartition(", seed ")[0] or label
        for label in store.labels().values()
        if label
    )
    if not names:
        return "they are not labelled; name their table as in `srnn report moduli/table1`, see `srnn list`"
    return f"none of what was asked for; `srnn report` can be given {', '.join(names)}"


@app.command("claims")
def claims_(
    tables: Tables = None,
    scale: ScaleNames = None,
    settings: Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list with one object per claim.")] = False,
    results: Results = Path("results"),
) -> None:
    """Print the claims of the tables that were run, or of those named, with their verdicts; as JSON those of all.

    Of published runs, both give the tables that were run.
    """
    store = existing_store(results)
    only_run = isinstance(store, PublishedRuns) and not tables
    judged: list[Summary] = []
    if only_run or not as_json:
        selection = papers.select(store, tables or (), scale=scale, settings=settings or ())
        for note in selection.notes:
            print_progress(note)
        judged = selection.summaries
    if not judged and not only_run:
        judged = summaries(tables, scale, settings, store, print_progress)
    if as_json:
        typer.echo(json.dumps(ledger(judged), indent=2))
    elif judged:
        print_claims(judged, console)
    else:
        print_line("no table was run" + (f" at scale {scale}" if scale else ""))
