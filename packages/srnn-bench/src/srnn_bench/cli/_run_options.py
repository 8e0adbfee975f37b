"""The options of `srnn run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..sweep import Stack

Targets = Annotated[list[str], typer.Argument(help="Tables such as moduli/table1, `all`, or experiment files (.json).")]
Seeds = Annotated[
    str | None, typer.Option(help="Seeds such as 0-2 or 0,3,5; default: those of the table, 0 for a file.")
]
Grid = Annotated[
    list[str] | None,
    typer.Option(
        help="Values of a field, such as stages.0.training.learning_rate=1e-3,3e-4 or a JSON list; may be repeated: "
        "every combination is run."
    ),
]
Jobs = Annotated[int | None, typer.Option(min=1, help="Parallel runs (default: one per core; one on a GPU).")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda[:n].")]
PrecisionName = Annotated[str, typer.Option(help="float32, tf32 or bfloat16.")]
Threads = Annotated[int, typer.Option(min=1, help="CPU threads per run.")]
Recorded = Annotated[
    bool, typer.Option("--recorded", help="On a GPU, record the training step of a run as a CUDA graph and replay it.")
]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        help="How recurrences run: loop, auto (sparse or dense where that is faster), dense, or sparse (from the first "
        "mask on). Other engines than loop are not stacked.",
    ),
]
Stacking = Annotated[
    Stack,
    typer.Option(help="Train several seeds of one experiment as one batched computation; auto: small networks only."),
]
ExecutorName = Annotated[
    str,
    typer.Option(
        help="Where runs are executed: processes (of this machine), ray, the name of an entry point, or module:Class."
    ),
]
Address = Annotated[
    str | None, typer.Option(help="Ray: address of the cluster; default: a local one for this command.")
]
GpusPerRun = Annotated[float, typer.Option(min=0, help="Ray: GPUs per run; may be a fraction such as 0.1.")]
SharedCheckpoints = Annotated[
    Path | None, typer.Option(help="Ray: folder for checkpoints that all nodes can access; default: none.")
]
CheckpointEvery = Annotated[float, typer.Option(min=0, help="Seconds between two checkpoints of a run.")]
SaveWeights = Annotated[
    bool, typer.Option("--save-weights", help="Keep the weights and masks at the end of each stage.")
]
Track = Annotated[
    list[str] | None,
    typer.Option(help="Tracker: tensorboard, the name of an entry point, or module:Class; may be repeated."),
]
Refresh = Annotated[
    bool,
    typer.Option(
        "--refresh", help="Re-run results produced by other package versions, devices, precisions or engines."
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Print the runs that are missing, with estimates of FLOPs and time.")
]
