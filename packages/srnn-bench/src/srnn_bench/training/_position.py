"""How far a training has come."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass
class Position:
    """Progress of a training, as a checkpoint holds it.

    Args:
        stage: Number of the stage, from 0.
        epoch: Number of the epoch within the stage, from 1.
        batch: Batches of the epoch that are done.
        total: Sums of loss and penalty over these batches, (S, 2).
        epoch_seconds: Seconds spent on the steps of each epoch of the stage; the current one is last.
        seconds: Seconds spent on everything.
        pruning_seconds: Seconds spent on the pruning steps of the stage, of all runs together.
    """

    stage: int = 0
    epoch: int = 1
    batch: int = 0
    total: Tensor | None = None
    epoch_seconds: list[float] = field(default_factory=list)
    seconds: float = 0.0
    pruning_seconds: float = 0.0  # checkpoints of earlier versions do not have it

    @property
    def steady_seconds(self) -> float:
        """Mean seconds per epoch spent on steps, without the first epoch if there are others."""
        steady = self.epoch_seconds[1:] or self.epoch_seconds
        return sum(steady) / len(steady)
