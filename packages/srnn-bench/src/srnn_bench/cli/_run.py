"""`srnn run`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import typer
from rich import box
from rich.console import Console
from rich.table import Table as Grid

from .. import papers
from .._errors import BenchError
from ..experiment import Conditions, Job
from ..store import Store
from ..sweep import Broadcast, Display, Estimate, Executor, RayExecutor, Watcher, duration, estimate, sweep, tracker
from ..sweep import executor as find_executor
from ..training import resolve_device
from . import _run_options as options
from ._announce import announce, runs_to_execute
from ._app import app, console, print_line
from ._arguments import (
    Results,
    ScaleName,
    Settings,
    default_workers,
    existing_store,
    has_store,
    is_file_name,
    near_files,
    parse_seeds,
)
from ._data import check_tasks
from ._fit import check_fit
from ._requested_runs import requested_runs


@app.command("run")
def run_(
    targets: options.Targets,
    scale: ScaleName = "quick",
    seeds: options.Seeds = None,
    settings: Settings = None,
    grid: options.Grid = None,
    jobs: options.Jobs = None,
    device: options.Device = "auto",
    precision: options.PrecisionName = "float32",
    threads: options.Threads = 1,
    recorded: options.Recorded = False,
    engine: options.EngineName = "loop",
    stack: options.Stacking = "auto",
    executor: options.ExecutorName = "processes",
    address: options.Address = None,
    gpus_per_run: options.GpusPerRun = 0.0,
    shared_checkpoints: options.SharedCheckpoints = None,
    checkpoint_every: options.CheckpointEvery = 60.0,
    save_weights: options.SaveWeights = False,
    track: options.Track = None,
    refresh: options.Refresh = False,
    dry_run: options.DryRun = False,
    results: Results = Path("results"),
) -> None:
    """Execute the runs of tables or of an experiment; stored results are reused and interrupted runs are resumed."""
    tables = chain.from_iterable(papers.table_names() if target == "all" else (target,) for target in targets)
    _check_files(targets)
    requests, requested = requested_runs(tables, scale, settings, grid, None if seeds is None else parse_seeds(seeds))
    conditions = Conditions(device, precision, threads, recorded, engine)
    workers = jobs or default_workers(executor, conditions)
    if dry_run:
        store = existing_store(results) if has_store(results) else None
        check_fit(requested, resolve_device(conditions.device), engine)
        print_line("Timing a few training steps of each kind of network.")
        print_estimates(estimate(requested, store, conditions), workers, console)
        return
    _prepare(targets, scale, requested, conditions, workers, executor, results, again=refresh or save_weights)
    trackers = [tracker(name, results) for name in track or ()]
    ray = _Ray(address, gpus_per_run, shared_checkpoints)
    execute = partial(
        sweep,
        workers=workers,
        conditions=conditions,
        refresh=refresh,
        stack=stack,
        keep_weights=save_weights,
        checkpoint_every=checkpoint_every,
        executor=_executor(executor, workers, threads, ray),
    )
    store = Store(results)
    store.add_requests(requests)
    _watch(execute, requested, store, trackers)


def print_estimates(estimates: Iterable[Estimate], workers: int, console: Console) -> None:
    """Print one row per experiment, and the total cost of the runs that are missing in the store."""
    grid = Grid(box=box.SIMPLE_HEAD)
    for name in ("experiment", "runs", "stored", "steps per run", "FLOPs per run", "time per run", "time from"):
        grid.add_column(name, justify="left" if name in ("experiment", "time from") else "right")
    missing, flops, seconds = 0, 0, 0.0
    for each in estimates:
        source = f"{each.measured} results" if each.measured else "timed steps"
        numbers = (str(each.wanted), str(each.stored), str(each.steps), f"{each.flops:.3g}", duration(each.seconds))
        grid.add_row(each.label, *numbers, source)
        runs = each.wanted - each.stored
        missing, flops, seconds = missing + runs, flops + runs * each.flops, seconds + runs * each.seconds
    console.print(grid)
    cost = f"{flops:.3g} FLOPs, about {duration(seconds / workers)} with {workers} in parallel"
    console.print(
        f"Missing: {missing} {'run' if missing == 1 else 'runs'}, {cost}.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _check_files(targets: list[str]) -> None:
    """Raise BenchError for a file whose ending is not that of an experiment, or is mistyped."""
    for target in targets:
        if is_file_name(target):
            continue
        if Path(target).is_file():
            raise BenchError(
                f"{target}: expected a table such as moduli/table1, or an experiment in a file that ends in .json; "
                "got a file with another ending"
            )
        if Path(target).suffix and (near := near_files(Path(target))):
            raise BenchError(f"{target}: expected a table or an experiment file{near}")


def _prepare(
    targets: list[str],
    scale: str,
    requested: list[Job],
    conditions: Conditions,
    workers: int,
    executor: str,
    results: Path,
    *,
    again: bool,
) -> None:
    """Say what will be done, and check the tasks and the networks of the missing runs, before anything is executed.

    They are not checked for executors that may use other machines.
    """
    if executor != "processes":
        return
    missing = runs_to_execute(requested, existing_store(results) if has_store(results) else None, again=again)
    announce(targets, scale, requested, missing, conditions, workers)
    device = resolve_device(conditions.device)
    check_tasks(missing, device)
    check_fit(missing, device, conditions.engine)


@dataclass(frozen=True)
class _Ray:
    """The options that only the executor `ray` has."""

    address: str | None
    gpus_per_run: float
    checkpoints: Path | None


def _executor(name: str, workers: int, threads: int, ray: _Ray) -> Executor | None:
    """Return the executor with this name; None for the processes of this machine, which `sweep` starts itself."""
    if name == "ray":
        return RayExecutor(ray.address, threads, ray.gpus_per_run, ray.checkpoints)
    if ray != _Ray(None, 0.0, None):
        raise BenchError("--address, --gpus-per-run and --shared-checkpoints require --executor ray")
    return None if name == "processes" else find_executor(name, workers)


def _watch(execute: Callable[..., None], jobs: list[Job], store: Store, trackers: list[Watcher]) -> None:
    """Execute a sweep with a display and trackers. The exit code is 1 if a run failed and 130 after an interrupt."""
    display = Display(len({job.key for job in jobs}), console)
    watcher = Broadcast([display, *trackers])
    try:
        execute(jobs, store, watcher=watcher)
    except KeyboardInterrupt:
        display.print("Interrupted. Run the same command again to resume.")
        raise typer.Exit(130) from None
    finally:
        watcher.close()
    print_line(", ".join(f"{count} {status}" for status, count in display.statuses.items()) + f" in {store.path}")
    if display.statuses["failed"]:
        raise typer.Exit(1)
