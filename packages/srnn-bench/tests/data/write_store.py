"""Write the store in `store/`, and `store.json`, what that version read from it.

Both were written by commit ad71c72, before the packages were rearranged, and must never be written again by a later
version: they show that stores, weights and checkpoints of that version can still be used. Run on a CPU with that
version installed, in a folder that has no `store/`:

    python write_store.py .

The store holds
- all runs of two tables at scale smoke,
- all runs of a table at scale quick, made small by settings, so that its claims are judged; its seeds are stacked,
- a run with kept weights, a failed and a diverged one,
- two unfinished runs with a checkpoint each: one that was interrupted, one whose process was killed.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import sqlite3
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from srnn_bench import (
    Conditions,
    Experiment,
    Job,
    Store,
    Table,
    export,
    ledger,
    override_table,
    papers,
    summarise,
    sweep,
)

TABLES = (
    ("moduli/table8", "smoke", ()),
    ("modcog/figure2b-speed", "smoke", ()),
    (
        "moduli/table1-hh",
        "quick",
        (
            "task.steps=4",
            "task.place_cells=32",
            "task.place_width=0.3",
            "model.recurrence.hidden=16",
            "stages.0.training.epochs=5",
            "stages.0.training.batches=4",
            "stages.0.training.batch_size=8",
            "stages.1.training.epochs=3",
            "stages.1.training.batches=4",
            "stages.1.training.batch_size=8",
        ),
    ),
)
TRAINING = {"epochs": 4, "batches": 2, "batch_size": 8, "learning_rate": 0.01}
SPARSE = {
    "task": {"kind": "adding", "steps": 5, "held_out": 50},
    "model": {"kind": "sequence", "recurrence": {"kind": "elman", "hidden": 6}},
    "masks": [{"parameter": "*weight_ih*", "pattern": {"kind": "bernoulli", "density": 0.7}}],
    "penalties": [{"parameter": "*weight_hh*", "regularizer": {"kind": "moduli"}, "strength": 0.1}],
    "stages": [
        {"name": "sparse", "training": TRAINING, "pruning": {"kind": "pruning", "sparsity": 0.5}},
        {"name": "lottery", "training": TRAINING, "start": "reinitialize"},
    ],
}
LONG = {**SPARSE, "stages": [{**SPARSE["stages"][0], "training": {**TRAINING, "epochs": 6}}, SPARSE["stages"][1]]}
SINGLE = {  # seed by label
    "kept": (SPARSE, 0),
    "failed": ({**SPARSE, "masks": [{"parameter": "no_such_parameter", "pattern": {"kind": "dense"}}]}, 0),
    "diverged": (
        {
            **SPARSE,
            "model": {"kind": "sequence", "recurrence": {"kind": "elman", "hidden": 6, "nonlinearity": "relu"}},
            "stages": [
                {"name": "train", "training": {**TRAINING, "learning_rate": 1e12, "optimizer": {"kind": "sgd"}}}
            ],
        },
        0,
    ),
    "interrupted": (LONG, 1),
    "killed": (LONG, 2),
}
STACK = {"smoke": "never", "quick": "always"}
CONDITIONS = Conditions(device="cpu")


class Watcher:
    """Calls a function after the fourth epoch."""

    def __init__(self, fourth: Any = lambda: None) -> None:
        self.fourth = fourth

    def epoch(self, job: Job, stage: str, number: int, epochs: int, epoch: Any) -> None:
        if number == 4:
            self.fourth()

    def reused(self, *_: Any) -> None: ...
    def begun(self, *_: Any) -> None: ...
    def note(self, text: str) -> None: ...
    def ended(self, *_: Any) -> None: ...
    def close(self) -> None: ...


def job(label: str) -> Job:
    """Return a single run by its label."""
    document, seed = SINGLE[label]
    return Job(Experiment.model_validate(document), seed, label)


def tables() -> list[Table]:
    """Return the tables of the store."""
    found = [(papers.table(name, scale), settings) for name, scale, settings in TABLES]
    return [override_table(table, settings) if settings else table for table, settings in found]


def interrupt() -> None:
    raise KeyboardInterrupt


def make_killed(folder: Path) -> None:
    """Train a run in this process, which ends itself after the fourth epoch, as if it had been killed."""
    watcher = Watcher(lambda: os._exit(9))
    sweep([job("killed")], Store(folder), conditions=CONDITIONS, checkpoint_every=0, watcher=watcher)


def write_store(folder: Path) -> Store:
    """Make the runs."""
    store = Store(folder)
    with suppress(KeyboardInterrupt):
        sweep([job("interrupted")], store, conditions=CONDITIONS, checkpoint_every=0, watcher=Watcher(interrupt))
    killed = multiprocessing.get_context("spawn").Process(target=make_killed, args=(folder,))
    killed.start()
    killed.join()
    assert killed.exitcode == 9
    for table in tables():
        sweep(table.jobs(), store, conditions=CONDITIONS, stack=STACK[table.scale], watcher=Watcher())
    sweep([job("kept")], store, conditions=CONDITIONS, keep_weights=True, watcher=Watcher())
    sweep([job("failed"), job("diverged")], store, conditions=CONDITIONS, watcher=Watcher())
    return store


def read_store(store: Store, folder: Path) -> dict[str, Any]:
    """Return what this version reads from the store."""
    summaries = [summarise(table, store) for table in tables()]
    return {
        "statuses": dict(store.statuses()),
        "keys": store.keys(),
        "single": {label: job(label).key for label in SINGLE},
        "tables": [
            {
                "name": name,
                "scale": scale,
                "settings": settings,
                "cells": [
                    {
                        "row": summary.cell.row,
                        "column": summary.cell.column,
                        "values": summary.values,
                        "mean": summary.mean,
                        "sd": summary.sd,
                    }
                    for summary in summary.cells.values()
                ],
            }
            for (name, scale, settings), summary in zip(TABLES, summaries, strict=True)
        ],
        "ledger": ledger(summaries),
        "export": export(store, folder / "export.csv").read_bytes().count(b"\r\n"),
        "history": export(store, folder / "history.csv", history=True).read_bytes().count(b"\r\n"),
    }


def main(folder: Path) -> None:
    if (folder / "store").exists():
        raise SystemExit(f"{folder / 'store'}: exists")
    store = write_store(folder / "store")
    (folder / "store.json").write_text(json.dumps(read_store(store, folder), indent=1) + "\n")
    for name in ("export.csv", "history.csv"):
        (folder / name).unlink()
    connection = sqlite3.connect(store.path)
    connection.execute("UPDATE runs SET owner = replace(owner, ?, 'a-machine')", (socket.gethostname(),))
    connection.commit()
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
