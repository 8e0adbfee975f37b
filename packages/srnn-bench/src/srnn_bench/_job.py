"""A run that is wanted, and how it is to be made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from ._environment import resolve_device
from ._experiment import Experiment


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

    @property
    def on_gpu(self) -> bool:
        """Whether the runs are made on a GPU."""
        return resolve_device(self.device).type == "cuda"
