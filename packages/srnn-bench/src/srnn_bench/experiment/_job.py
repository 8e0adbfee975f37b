"""The device, the precision and the number of threads of a run, and how they are written down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Literal, get_args

from ._experiment import Experiment

Precision = Literal["float32", "tf32", "bfloat16"]


def check_conditions(precision: str, threads: int) -> None:
    """Refuse an unknown precision, and fewer than one thread."""
    if precision not in get_args(Precision):
        raise ValueError(f"precision: expected one of {', '.join(get_args(Precision))}, got {precision!r}")
    if threads < 1:
        raise ValueError(f"threads: expected at least 1, got {threads}")


@dataclass(frozen=True)
class Job:
    """A run that is wanted: an experiment, a seed, and a label for people."""

    experiment: Experiment
    seed: int
    label: str

    @cached_property
    def key(self) -> str:
        """The key of the run in the store."""
        return self.experiment.key(self.seed)

    @property
    def last_epochs(self) -> dict[str, int]:
        """How many epochs the run has made at the end of each stage."""
        stages = self.experiment.stages
        ends = accumulate(stage.training.epochs for stage in stages)
        return dict(zip((stage.name for stage in stages), ends, strict=True))


@dataclass(frozen=True)
class Conditions:
    """How runs are made; none of it is part of a run's key.

    `recorded`: on a GPU, whether each run's training step is recorded once and replayed; see `srnn_bench._graphed`.
    """

    device: str = "auto"
    precision: str = "float32"
    threads: int = 1
    recorded: bool = False
