"""`srnn figure`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import papers
from ._app import app, print_line
from ._arguments import Results, ScaleName, existing_store


@app.command("figure")
def figure_(
    names: Annotated[
        list[str] | None, typer.Argument(help="Figures such as moduli/figure2; default: list them.")
    ] = None,
    scale: ScaleName = "quick",
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("figures"),
    results: Results = Path("results"),
) -> None:
    """Draw figures of the papers, or list them with the runs that they need."""
    size = papers.known_scale(scale)
    if not names:
        listed, broken = papers.listed_figures()
        for name, figure in listed.items():
            needs = papers.command_of(_needs(name, figure), size) if figure.needs else "no runs"
            print_line(f"  {name:<20} {figure.title}\n  {'':<20} needs {needs}")
        for error in broken.values():
            print_line(error)
        return
    figures = {name: papers.figure(name) for name in names}  # unknown names are refused before anything is drawn
    for figure in figures.values():
        store = existing_store(results) if figure.needs else None
        for path in figure.draw(papers.FigureRequest(store, size, out)):
            print_line(str(path))


def _needs(name: str, figure: papers.Figure) -> tuple[str, ...]:
    """Return the full names of the tables that a figure needs."""
    paper = papers.find(name)
    return tuple(paper.full_name(table) for table in figure.needs)
