"""`srnn demo`: a result that one can watch, in three minutes on two CPU cores."""

from __future__ import annotations

from pathlib import Path

from . import _run_options as options
from ._app import app, print_line
from ._arguments import DemoScale, Results, scaled_table
from ._report import report_
from ._run import run_

TABLE = "modcog/demo"


@app.command("demo")
def demo_(
    scale: DemoScale = "quick",
    jobs: options.Jobs = None,
    device: options.Device = "auto",
    results: Results = Path("results"),
) -> None:
    """Train masked and dense networks on 20 cognitive tasks, print which learn faster, and write a report."""
    table = scaled_table(TABLE, scale, None)
    stage = table.cells[0].experiment.stages[0].training
    print_line(
        f"Trains {len(table.rows)} networks of {table.cells[0].experiment.model.hidden} units "
        f"({', '.join(table.rows)}) with {len(table.seeds)} seeds each,\n"
        f"for {stage.epochs * (stage.batches or 1):,} steps on 20 cognitive tasks. "
        "d = 0: each unit is connected only to itself; d = 1: also to its 4 neighbours."
    )
    run_([TABLE], scale=scale, jobs=jobs, device=device, results=results)
    path = results / "demo.html"
    report_([TABLE], scale=scale, output=path, results=results)
    print_line(f"Open it in a browser: {path.resolve()}")
