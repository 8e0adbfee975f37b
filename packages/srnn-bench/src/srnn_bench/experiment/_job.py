"""A run that is asked for: an experiment and a seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

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
