"""`Job`: a requested run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from ._experiment import Experiment


@dataclass(frozen=True)
class Job:
    """A requested run: an experiment, a seed, and a label for display."""

    experiment: Experiment
    seed: int
    label: str

    @cached_property
    def key(self) -> str:
        """The key of the run in the store."""
        return self.experiment.key(self.seed)

    @property
    def last_epochs(self) -> dict[str, int]:
        """Number of epochs from the start of the run to the end of each stage, by stage."""
        stages = self.experiment.stages
        ends = accumulate(stage.training.epochs for stage in stages)
        return dict(zip((stage.name for stage in stages), ends, strict=True))
