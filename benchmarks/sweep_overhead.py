"""What a sweep costs over the training itself: trivial runs by `sweep`, and the same by `run` in a plain loop.

    python benchmarks/sweep_overhead.py [--runs 2000] [--block 100] [--output FILE]

Both are timed in turn, block by block, in one process, so that what else the machine does falls on all alike; the
difference is taken within each block. The stores are new ones, in a temporary folder, that grow to all runs.
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


def made(jobs: list[Job], store: Store, watcher: Watcher, *, workers: int = 1, stack: Stack = "never") -> None:
    """Make runs by a sweep, and check that all are done."""
    before = store.statuses()["done"]
    sweep(jobs, store, workers=workers, conditions=CPU, stack=stack, watcher=watcher)
    watcher.close()
    done = store.statuses()["done"] - before
    if done not in (0, len(jobs)):
        raise RuntimeError(f"sweep: expected {len(jobs)} runs or none, got {done}")


def milliseconds(work: Callable[[list[Job]], object], jobs: list[Job]) -> float:
    """Return the ms that each of the runs takes."""
    begin = time.perf_counter()
    work(jobs)
    return 1000 * (time.perf_counter() - begin) / len(jobs)


def in_a_loop(jobs: list[Job]) -> None:
    """Make runs without a sweep."""
    for job in jobs:
        run(job.experiment, seed=job.seed, conditions=Conditions("cpu"))


def measure(runs: int, block: int, folder: Path) -> list[tuple[str, str]]:
    """Return what was measured, each with its name."""
    jobs = [Job(TRIVIAL, seed, f"seed {seed}") for seed in range(runs)]
    quiet, shown = Store(folder / "quiet"), Store(folder / "shown")
    plain, over, over_shown = list[float](), list[float](), list[float]()
    in_a_loop(jobs[:1])  # the first one imports, and asks git for the commit
    with Path(os.devnull).open("w") as nowhere:

        def swept(store: Store, **how: Any) -> Callable[[list[Job]], None]:
            return lambda some: made(some, store, Display(len(some), Console(file=nowhere)), **how)

        for start in range(0, runs, block):
            some = jobs[start : start + block]
            plain.append(milliseconds(in_a_loop, some))
            over.append(milliseconds(lambda some: made(some, quiet, Watcher()), some) - plain[-1])
            over_shown.append(milliseconds(swept(shown), some) - plain[-1])
        again = milliseconds(swept(shown), jobs)
        start = 2 * milliseconds(swept(Store(folder / "start"), workers=2), jobs[:2])
        two = milliseconds(swept(Store(folder / "two"), workers=2), jobs) - start / runs
        stacked = milliseconds(swept(Store(folder / "stacked"), stack="auto"), jobs)
    size = sum(path.stat().st_size for path in (folder / "shown").rglob("*") if path.is_file()) / runs

    def spread(values: list[float]) -> str:
        return f"{median(values):.1f} ms, blocks {min(values):.1f} to {max(values):.1f}"

    return [
        ("the run itself, in a plain loop", spread(plain)),
        ("**a sweep over that**, 1 worker, no display", spread(over)),
        ("**a sweep over that**, 1 worker, plain lines to a file", spread(over_shown)),
        ("the same sweep again: all runs are reused", f"{again:.1f} ms"),
        ("wall time with 2 workers, after their start", f"{two:.1f} ms (their start: {start / 1000:.1f} s, once)"),
        ("wall time with 1 worker, stacked", f"{stacked:.1f} ms"),
        ("the store on the disk", f"{size / 1024:.1f} KiB"),
    ]


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--block", type=int, default=100, help="runs that are timed at a stretch")
    parser.add_argument("--output", type=Path, help="a file to which the table goes as well")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(arguments.runs, arguments.block, Path(folder))
    where = (
        f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, Python {platform.python_version()}"
    )
    text = "\n".join(
        [
            f"{arguments.runs} runs on {where}:",
            "",
            "| a run of the sweep | costs |",
            "|---|---|",
            *(f"| {name} | {cost} |" for name, cost in rows),
        ]
    )
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
