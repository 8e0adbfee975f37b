"""`srnn figure`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..store import Store
from ..tables import SCALES
from ._app import app, print_line
from ._arguments import (
    Results,
    ScaleName,
    existing_store,
)


@app.command("figure")
def figure_(
    names: Annotated[list[str] | None, typer.Argument(help="Figures; default: list them.")] = None,
    scale: ScaleName = "quick",
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("figures"),
    results: Results = Path("results"),
) -> None:
    """Draw the figures of the papers from kept weights, or list them with the runs that they need."""
    from ..papers._figures import FIGURES, NEEDS

    if not names:
        for name, draw in FIGURES.items():
            needs = f"srnn run {NEEDS[name]} --scale {scale} --save-weights" if name in NEEDS else "no runs"
            print_line(f"  {name:<20} {draw.__doc__}\n  {'':<20} needs {needs}")
        return
    at = next((known for known in SCALES if known == scale), None)
    if at is None:
        raise ValueError(f"scale: expected one of {', '.join(SCALES)}, got {scale!r}")
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        raise ValueError(f"figure: expected some of {', '.join(FIGURES)}, got {unknown[0]!r}")
    for name in names:
        store = existing_store(results) if name in NEEDS else Store(results)
        for path in FIGURES[name](store, at, out):
            print_line(str(path))
