"""The command `srnn`: list, run, report, schema."""

from __future__ import annotations

import json
import os
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from srnn_tasks import entries

from . import papers
from ._display import Display
from ._environment import PACKAGES
from ._experiment import Experiment
from ._report import print_report, write_html
from ._schema import schemas
from ._store import Store
from ._summary import summarise
from ._sweep import Conditions, Job, sweep
from ._table import SCALES

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Experiments of sparse recurrent networks, and the tables of the papers.",
)
console = Console()
if not console.is_terminal and "COLUMNS" not in os.environ:
    console = Console(width=120)  # a file has no width; rich would take 80, too narrow for tables

Results = Annotated[Path, typer.Option(help="Folder of the store and the report, on a local disk.")]
ScaleName = Annotated[str, typer.Option("--scale", help="smoke, quick or paper.")]


def main() -> None:
    """Run the command line; a mistake of the user is one line on stderr, not a traceback."""
    try:
        app()
    except ValueError as error:
        Console(stderr=True).print(f"srnn: {error}", markup=False, highlight=False, soft_wrap=True)
        raise SystemExit(2) from None


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
        _line(f"  {name:<20} {'; '.join(states)}")
    console.print("Tasks")
    for entry in entries():
        state = "ok" if entry.error is None else f"broken: {entry.error}"
        _line(f"  {entry.kind:<20} {entry.distribution}: {state}")


@app.command("run")
def run_(
    targets: Annotated[
        list[str], typer.Argument(help="Tables such as moduli/table1, `all`, or experiment files (.json).")
    ],
    scale: ScaleName = "quick",
    seeds: Annotated[str | None, typer.Option(help="Such as 0-2 or 0,3,5; default: those of the table, or 0.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Runs at once; default: one a core, one on a GPU.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda[:n].")] = "auto",
    precision: Annotated[str, typer.Option(help="float32, tf32 or bfloat16.")] = "float32",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of each run.")] = 1,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Make results again that other versions, devices or precisions made.")
    ] = False,
    results: Results = Path("results"),
) -> None:
    """Make the runs of tables or of an experiment; what the store holds is reused."""
    wanted = None if seeds is None else parse_seeds(seeds)
    todo: list[Job] = []
    for target in chain.from_iterable(papers.TABLES if target == "all" else (target,) for target in targets):
        if target.endswith(".json"):
            experiment = read_experiment(Path(target))
            todo += [Job(experiment, seed, f"{Path(target).stem}, seed {seed}") for seed in wanted or (0,)]
        else:
            todo += papers.table(target, scale).jobs(wanted)
    store = Store(results)
    conditions = Conditions(device, precision, threads)
    workers = jobs or (1 if conditions.on_gpu else max(1, (os.cpu_count() or 1) // threads))
    with Display(len({job.key for job in todo}), console) as display:
        sweep(todo, store, workers=workers, conditions=conditions, refresh=refresh, watcher=display)
    _line(", ".join(f"{count} {status}" for status, count in display.statuses.items()) + f" in {store.path}")
    if display.statuses["failed"]:
        raise typer.Exit(1)


@app.command("report")
def report_(
    tables: Annotated[list[str] | None, typer.Argument(help="Tables to show; default: all that have results.")] = None,
    results: Results = Path("results"),
) -> None:
    """Print the tables that have results, the paper's numbers beside ours, and write results/report.html."""
    if not results.exists():
        raise ValueError(
            f"{results}: no such folder; make results first, such as `srnn run moduli/table1 --scale smoke`"
        )
    store = Store(results)
    shown = [summarise(papers.table(name, scale), store) for name in tables or papers.TABLES for scale in SCALES]
    summaries = [summary for summary in shown if summary.results]
    print_report(summaries, console)
    path = write_html(summaries, results / "report.html")
    _line(f"{len(summaries)} tables; written to {path}")


@app.command("schema")
def schema_(
    package: Annotated[str | None, typer.Argument(help="One package, such as srnn-masks; default: all.")] = None,
) -> None:
    """Print the JSON schemas of the public values of the packages."""
    found = [schemas(name) for name in PACKAGES] if package is None else schemas(package)
    typer.echo(json.dumps(found, indent=2, sort_keys=True))


def parse_seeds(text: str) -> tuple[int, ...]:
    """Return the seeds that a text such as `0-2` or `0,3,5-7` names."""
    seeds: list[int] = []
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            seeds += range(int(first), int(last or first) + 1)
    except ValueError:
        seeds = []
    if not seeds:
        raise ValueError(f"seeds: expected numbers and ranges such as 0-2 or 0,3,5, got {text!r}")
    return tuple(dict.fromkeys(seeds))


def read_experiment(path: Path) -> Experiment:
    """Return the experiment of a JSON file; a mistake in it is told with the field's name."""
    try:
        return Experiment.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: expected the JSON file of an experiment, got: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, not JSON, or no experiment
        raise ValueError(f"{path}: {error}") from error


def _line(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
