"""Overhead of a sweep over the training itself: trivial runs by `sweep`, and the same runs by `run` in a loop.

    python benchmarks/sweep_overhead.py [--runs 2000] [--block 100] [--output FILE]

Both are timed alternately, block by block, in one process, so that other load on the machine affects both equally; the
difference is taken within each block. The stores are new, in a temporary folder, and grow until they hold all runs.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.console import Console

from srnn_bench import Conditions, Experiment, Job, Stage, Store, Training, run, sweep
from srnn_bench.sweep import Display, Stack, Watcher
from srnn_models import ElmanRNN, SequenceModel
from srnn_tasks import Adding

TRIVIAL = Experiment(
    task=Adding(steps=2, held_out=1),
    model=SequenceModel(recurrence=ElmanRNN(hidden=1)),
    stages=(Stage(name="only", training=Training(epochs=1, batches=1, batch_size=1, learning_rate=0.1)),),
)
CPU = Conditions(device="cpu")


def run_sweep(jobs: list[Job], store: Store, watcher: Watcher, *, workers: int = 1, stack: Stack = "never") -> None:
    """Execute the jobs by a sweep, and check that all are done."""
    before = store.statuses()["done"]
    sweep(jobs, store, workers=workers, conditions=CPU, stack=stack, watcher=watcher)
    watcher.close()
    done = store.statuses()["done"] - before
    if done not in (0, len(jobs)):
        raise RuntimeError(f"sweep: expected {len(jobs)} new runs, or none if all are reused, got {done}")


def milliseconds(work: Callable[[list[Job]], object], jobs: list[Job]) -> float:
    """Return the time per run in ms."""
    begin = time.perf_counter()
    work(jobs)
    return 1000 * (time.perf_counter() - begin) / len(jobs)


def run_in_loop(jobs: list[Job]) -> None:
    """Execute the jobs without a sweep."""
    for job in jobs:
        run(job.experiment, seed=job.seed, conditions=Conditions("cpu"))


def measure(runs: int, block: int, folder: Path) -> list[tuple[str, str]]:
    """Return the rows of the table: name and value."""
    jobs = [Job(TRIVIAL, seed, f"seed {seed}") for seed in range(runs)]
    silent, displayed = Store(folder / "silent"), Store(folder / "displayed")
    plain, overhead, overhead_displayed = list[float](), list[float](), list[float]()
    run_in_loop(jobs[:1])  # the first run imports modules and asks git for the commit
    with Path(os.devnull).open("w") as devnull:

        def displayed_sweep(store: Store, **options: Any) -> Callable[[list[Job]], None]:
            return lambda jobs: run_sweep(jobs, store, Display(len(jobs), Console(file=devnull)), **options)

        for start in range(0, runs, block):
            block_jobs = jobs[start : start + block]
            plain.append(milliseconds(run_in_loop, block_jobs))
            overhead.append(milliseconds(lambda jobs: run_sweep(jobs, silent, Watcher()), block_jobs) - plain[-1])
            overhead_displayed.append(milliseconds(displayed_sweep(displayed), block_jobs) - plain[-1])
        reused = milliseconds(displayed_sweep(displayed), jobs)
        startup = 2 * milliseconds(displayed_sweep(Store(folder / "startup"), workers=2), jobs[:2])
        two_workers = milliseconds(displayed_sweep(Store(folder / "two"), workers=2), jobs) - startup / runs
        stacked = milliseconds(displayed_sweep(Store(folder / "stacked"), stack="auto"), jobs)
    size = sum(path.stat().st_size for path in (folder / "displayed").rglob("*") if path.is_file()) / runs

    def spread(values: list[float]) -> str:
        return f"{median(values):.1f} ms, blocks {min(values):.1f} to {max(values):.1f}"

    return [
        ("the run itself, in a plain loop", spread(plain)),
        ("**overhead of a sweep**, 1 worker, no display", spread(overhead)),
        ("**overhead of a sweep**, 1 worker, plain lines to a file", spread(overhead_displayed)),
        ("the same sweep again, all runs reused", f"{reused:.1f} ms"),
        ("wall time with 2 workers, after start-up", f"{two_workers:.1f} ms (start-up: {startup / 1000:.1f} s, once)"),
        ("wall time with 1 worker, stacked", f"{stacked:.1f} ms"),
        ("size of the store on disk", f"{size / 1024:.1f} KiB"),
    ]


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--block", type=int, default=100, help="runs per timed block")
    parser.add_argument("--output", type=Path, help="also write the table to this file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(arguments.runs, arguments.block, Path(folder))
    machine = (
        f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, Python {platform.python_version()}"
    )
    text = "\n".join(
        [
            f"{arguments.runs} runs on {machine}:",
            "",
            "| per run | cost |",
            "|---|---|",
            *(f"| {name} | {cost} |" for name, cost in rows),
        ]
    )
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
