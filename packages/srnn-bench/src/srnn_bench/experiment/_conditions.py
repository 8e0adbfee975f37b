"""`Conditions`: how runs are executed, which their keys do not depend on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from .._errors import BenchError

Precision = Literal["float32", "tf32", "bfloat16"]
Engine = Literal["loop", "auto", "dense", "sparse"]


@dataclass(frozen=True)
class Conditions:
    """Device, precision, number of threads and engine of a run. None of them is part of the run's key.

    Args:
        device: `auto` (the GPU if there is one), `cpu` or `cuda[:n]`.
        precision: `float32`, `tf32` (matrix products on a GPU) or `bfloat16` (autocast).
        threads: CPU threads per run. On a CPU, the same experiment, seed and number of threads give the same bits.
        recorded: On a GPU, record the training step of a single run as a CUDA graph and replay it.
        engine: How the recurrences of the model run, as `accelerate` of srnn-models takes it. `loop` is the model as it
            is built. `sparse` is the loop as well until every recurrent matrix has a mask, so that stages before
            pruning, and networks that are never pruned, can be run with it. Runs with another engine than `loop` are
            not stacked.

    Raises:
        BenchError: For an unknown precision or engine, fewer than one thread, or `dense` or `sparse` with `bfloat16`,
            under which only the loop runs. Whether the device exists, and the engine can run the model, is checked
            where the run is executed.
    """

    device: str = "auto"
    precision: str = "float32"
    threads: int = 1
    recorded: bool = False
    engine: str = "loop"

    def __post_init__(self) -> None:
        if self.precision not in get_args(Precision):
            raise BenchError(f"precision: expected one of {', '.join(get_args(Precision))}, got {self.precision!r}")
        if self.engine not in get_args(Engine):
            raise BenchError(f"engine: expected one of {', '.join(get_args(Engine))}, got {self.engine!r}")
        if self.precision == "bfloat16" and self.engine in ("dense", "sparse"):
            raise BenchError(f"engine: expected loop or auto with precision bfloat16, got {self.engine!r}")
        if self.threads < 1:
            raise BenchError(f"threads: expected at least 1, got {self.threads}")
