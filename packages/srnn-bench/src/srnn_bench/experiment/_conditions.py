"""`Conditions`: how runs are executed, which their keys do not depend on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from .._errors import BenchError

Precision = Literal["float32", "tf32", "bfloat16"]


@dataclass(frozen=True)
class Conditions:
    """Device, precision and number of threads of a run. None of them is part of the run's key.

    Args:
        device: `auto` (the GPU if there is one), `cpu` or `cuda[:n]`.
        precision: `float32`, `tf32` (matrix products on a GPU) or `bfloat16` (autocast).
        threads: CPU threads per run. On a CPU, the same experiment, seed and number of threads give the same bits.
        recorded: On a GPU, record the training step of a single run as a CUDA graph and replay it.

    Raises:
        BenchError: For an unknown precision or fewer than one thread. Whether the device exists is checked where the
            run is executed.
    """

    device: str = "auto"
    precision: str = "float32"
    threads: int = 1
    recorded: bool = False

    def __post_init__(self) -> None:
        if self.precision not in get_args(Precision):
            raise BenchError(f"precision: expected one of {', '.join(get_args(Precision))}, got {self.precision!r}")
        if self.threads < 1:
            raise BenchError(f"threads: expected at least 1, got {self.threads}")
