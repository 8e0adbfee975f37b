"""`srnn run`."""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

import typer

from .. import papers
from ..experiment import Conditions, Job, override
from ..store import Store
from ..sweep import Broadcast, Display, Executor, RayExecutor, Stack, estimate, print_estimates, sweep, tracker
from ..training import resolve_device
from ._app import app, console, print_line
from ._arguments import (
    Results,
    ScaleName,
    Settings,
    parse_seeds,
    read_experiment,
    scaled_table,
)


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
    for target in chain.from_iterable(papers.table_names() if target == "all" else (target,) for target in targets):
        if target.endswith(".json"):
            experiment = override(read_experiment(Path(target)), settings or ())
            todo += [Job(experiment, seed, f"{Path(target).stem}, seed {seed}") for seed in wanted or (0,)]
        else:
            todo += scaled_table(target, scale, settings).jobs(wanted)
    conditions = Conditions(device, precision, threads, recorded)
    one = executor == "ray" or resolve_device(conditions.device).type == "cuda"
    workers = jobs or (1 if one else max(1, (os.cpu_count() or 1) // threads))
    if dry_run:
        store = Store(results) if results.exists() else None
        print_line("A few training steps of each kind of network are taken, to time them.")
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
    print_line(", ".join(f"{count} {status}" for status, count in display.statuses.items()) + f" in {store.path}")
    if display.statuses["failed"]:
        raise typer.Exit(1)


def _executor(
    name: str, address: str | None, threads: int, gpus_per_run: float, checkpoints: Path | None
) -> Executor | None:
    """Return what makes the runs; None for the processes of this machine."""
    if name == "ray":
        return RayExecutor(address, threads=threads, gpus_per_run=gpus_per_run, checkpoints=checkpoints)
    if address is not None or gpus_per_run or checkpoints is not None:
        raise ValueError("address, gpus-per-run and shared-checkpoints belong to --executor ray")
    return None
