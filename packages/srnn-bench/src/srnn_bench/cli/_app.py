"""The command `srnn`: list, run, report, claims, figure, export, schema."""

from __future__ import annotations

import json
import os
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from srnn_tasks import entries

from .. import papers
from ..experiment import PACKAGES, Conditions, Experiment, Job, check_conditions, override, schemas
from ..report import print_claims, print_report, write_figures, write_html, write_markdown
from ..store import Store, export
from ..sweep import Broadcast, Display, Executor, RayExecutor, Stack, estimate, print_estimates, sweep, tracker
from ..tables import SCALES, Summary, Table, ledger, override_table, summarise
from ..training import resolve_device

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Experiments of sparse recurrent networks, and the tables of the papers.",
)

console = Console(emoji=False)

if not console.is_terminal and "COLUMNS" not in os.environ:
    console = Console(width=120, emoji=False)  # a file has no width; rich would take 80, too narrow for tables

Results = Annotated[Path, typer.Option(help="Folder of the store and the report, on a local disk.")]

Tables = Annotated[list[str] | None, typer.Argument(help="Tables; default: all.")]

OneScale = Annotated[str | None, typer.Option("--scale", help="smoke, quick or paper; default: all.")]

Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a field, such as model.recurrence.hidden=64; may be given again."),
]

ScaleName = Annotated[str, typer.Option("--scale", help="smoke, quick or paper.")]


def main() -> None:
    """Run the command line; a mistake of the user is one line on stderr, not a traceback."""
    try:
        app()
    except (ValueError, ImportError) as error:  # of an import: an extra that is not installed, by its name
        Console(stderr=True, emoji=False).print(f"srnn: {error}", markup=False, highlight=False, soft_wrap=True)
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
        _line(f"  {name:<26} {'; '.join(states)}")
    if store is not None:
        counts = ", ".join(f"{count} {status}" for status, count in sorted(store.statuses().items()))
        _line(f"Runs in {store.path}: {counts or 'none'}")
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
    settings: Settings = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Runs at once; default: one a core, one on a GPU.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda[:n].")] = "auto",
    precision: Annotated[str, typer.Option(help="float32, tf32 or bfloat16.")] = "float32",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of each run.")] = 1,
    recorded: Annotated[
        bool, typer.Option("--recorded", help="On a GPU: record a run's training step once and replay it.")
    ] = False,
    stack: Annotated[
        Stack, typer.Option(help="Train seeds of one experiment as one computation; auto: small networks.")
    ] = "auto",
    executor: Annotated[
        Literal["processes", "ray"], typer.Option(help="Where runs are made: processes of this machine, or ray.")
    ] = "processes",
    address: Annotated[str | None, typer.Option(help="Ray: the cluster's address; default: one made here.")] = None,
    gpus_per_run: Annotated[float, typer.Option(min=0, help="Ray: GPUs of each run, parts too, such as 0.1.")] = 0.0,
    shared_checkpoints: Annotated[
        Path | None, typer.Option(help="Ray: a folder for checkpoints that all nodes see; default: none.")
    ] = None,
    checkpoint_every: Annotated[float, typer.Option(min=0, help="Seconds between two checkpoints of a run.")] = 60.0,
    save_weights: Annotated[
        bool, typer.Option("--save-weights", help="Keep the weights and masks at the end of each stage.")
    ] = False,
    track: Annotated[
        list[str] | None, typer.Option(help="tensorboard, or package.module:tracker; may be given again.")
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Make results again that other versions, devices or precisions made.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be made, and estimate FLOPs and time.")
    ] = False,
    results: Results = Path("results"),
) -> None:
    """Make the runs of tables or of an experiment; what the store holds is reused, what was broken off goes on."""
    wanted = None if seeds is None else parse_seeds(seeds)
    todo: list[Job] = []
    for target in chain.from_iterable(papers.TABLES if target == "all" else (target,) for target in targets):
        if target.endswith(".json"):
            experiment = override(read_experiment(Path(target)), settings or ())
            todo += [Job(experiment, seed, f"{Path(target).stem}, seed {seed}") for seed in wanted or (0,)]
        else:
            todo += _table(target, scale, settings).jobs(wanted)
    check_conditions(precision, threads)
    conditions = Conditions(device, precision, threads, recorded)
    one = executor == "ray" or resolve_device(conditions.device).type == "cuda"
    workers = jobs or (1 if one else max(1, (os.cpu_count() or 1) // threads))
    if dry_run:
        store = Store(results) if results.exists() else None
        _line("A few training steps of each kind of network are taken, to time them.")
        print_estimates(estimate(todo, store, conditions), workers, console)
        return
    trackers = [tracker(name, results) for name in track or ()]
    maker = _executor(executor, address, threads, gpus_per_run, shared_checkpoints)
    store = Store(results)
    display = Display(len({job.key for job in todo}), console)
    watcher = Broadcast([display, *trackers])
    try:
        sweep(
            todo,
            store,
            workers=workers,
            conditions=conditions,
            refresh=refresh,
            stack=stack,
            keep_weights=save_weights,
            checkpoint_every=checkpoint_every,
            executor=maker,
            watcher=watcher,
        )
    except KeyboardInterrupt:
        display.print("Broken off; the same command goes on from here.")
        raise
    finally:
        watcher.close()
    _line(", ".join(f"{count} {status}" for status, count in display.statuses.items()) + f" in {store.path}")
    if display.statuses["failed"]:
        raise typer.Exit(1)


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
    shown = [summary for summary in _summaries(tables, scale, settings, results) if summary.results]
    target = output or results / f"report.{format}"
    files = write_figures(shown, target.parent / "figures") if figures else []
    path = write_html(shown, target) if format == "html" else write_markdown(shown, target, files)
    print_report(shown, console)
    _line(f"{len(shown)} tables; written to {path}" + (f", figures to {files[0].parent}" if files else ""))


@app.command("claims")
def claims_(
    tables: Tables = None,
    scale: OneScale = None,
    settings: Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, a row a claim.")] = False,
    results: Results = Path("results"),
) -> None:
    """Print the ledger: each claim of the papers with its verdict, at each scale that has results."""
    summaries = _summaries(tables, scale, settings, results)
    if as_json:
        typer.echo(json.dumps(ledger(summaries), indent=2))
    else:
        held = [summary for summary in summaries if summary.results]
        print_claims(held or summaries, console)


@app.command("figure")
def figure_(
    names: Annotated[list[str] | None, typer.Argument(help="Figures; default: list them.")] = None,
    scale: ScaleName = "quick",
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("figures"),
    results: Results = Path("results"),
) -> None:
    """Draw the figures of the papers from kept weights, or list them with the runs that they need."""
    from ..papers import FIGURES, NEEDS

    if not names:
        for name, draw in FIGURES.items():
            needs = f"srnn run {NEEDS[name]} --scale {scale} --save-weights" if name in NEEDS else "no runs"
            _line(f"  {name:<20} {draw.__doc__}\n  {'':<20} needs {needs}")
        return
    at = next((known for known in SCALES if known == scale), None)
    if at is None:
        raise ValueError(f"scale: expected one of {', '.join(SCALES)}, got {scale!r}")
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        raise ValueError(f"figure: expected some of {', '.join(FIGURES)}, got {unknown[0]!r}")
    for name in names:
        store = _existing(results) if name in NEEDS else Store(results)
        for path in FIGURES[name](store, at, out):
            _line(str(path))


@app.command("export")
def export_(
    path: Annotated[Path, typer.Argument(help="File to write: .parquet or .csv.")],
    history: Annotated[bool, typer.Option("--history", help="A row an epoch in place of a row a stage.")] = False,
    results: Results = Path("results"),
) -> None:
    """Write all results as one flat table for pandas, R or a spreadsheet: a row a run and stage."""
    _line(f"written to {export(_existing(results), path, history=history)}")


@app.command("schema")
def schema_(
    package: Annotated[str | None, typer.Argument(help="One package, such as srnn-masks; default: all.")] = None,
) -> None:
    """Print the JSON schemas of the public values of the packages."""
    found = [schemas(name) for name in PACKAGES] if package is None else schemas(package)
    typer.echo(json.dumps(found, indent=2, sort_keys=True))


def _table(name: str, scale: str, settings: list[str] | None) -> Table:
    table = papers.table(name, scale)
    return override_table(table, settings) if settings else table


def _summaries(names: list[str] | None, scale: str | None, settings: list[str] | None, results: Path) -> list[Summary]:
    """Return what the store holds of the tables, at one scale or at all."""
    store = _existing(results)
    scales = SCALES if scale is None else (scale,)
    return [summarise(_table(name, each, settings), store) for name in names or list(papers.TABLES) for each in scales]


def _existing(results: Path) -> Store:
    if not results.exists():
        raise ValueError(
            f"{results}: no such folder; make results first, such as `srnn run moduli/table1 --scale smoke`"
        )
    return Store(results)


def _executor(
    name: str, address: str | None, threads: int, gpus_per_run: float, checkpoints: Path | None
) -> Executor | None:
    """Return what makes the runs; None for the processes of this machine."""
    if name == "ray":
        return RayExecutor(address, threads=threads, gpus_per_run=gpus_per_run, checkpoints=checkpoints)
    if address is not None or gpus_per_run or checkpoints is not None:
        raise ValueError("address, gpus-per-run and shared-checkpoints belong to --executor ray")
    return None


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
        text = path.read_text(encoding="utf-8")
        experiment = Experiment.model_validate_json(text)
        json.loads(text, object_pairs_hook=_each_once)
    except OSError as error:
        raise ValueError(f"{path}: expected the JSON file of an experiment, got: {error.strerror}") from error
    except ValueError as error:  # not UTF-8, not JSON, or no experiment
        raise ValueError(f"{path}: {error}") from error
    return experiment


def _each_once(pairs: list[tuple[str, object]]) -> None:
    """Refuse an object in which a field stands twice: JSON readers silently take the last."""
    names = [name for name, _ in pairs]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"expected each field once, but {', '.join(sorted(twice))} stands twice in one object")


def _line(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
