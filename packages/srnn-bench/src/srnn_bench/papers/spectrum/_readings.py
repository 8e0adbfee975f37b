"""The numbers that the tables of arXiv 1912.00120 show and the bench does not measure under these names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ... import BenchError
from ...experiment import StageResult
from ...tables import HeldOut, Reading

ACCURACY = HeldOut("accuracy")

RERUN = "re-run it with `srnn run --refresh`"


@dataclass(frozen=True)
class Error(Reading):
    """Error in %: 100 times 1 minus an accuracy, by default that of the finished stage on held-out data."""

    accuracy: Reading = ACCURACY

    def __call__(self, stage: StageResult) -> float:
        """Return the error in %."""
        return 100 * (1 - self.accuracy(stage))

    def __str__(self) -> str:
        """Return the name of the number."""
        return f"error of {self.accuracy}"

    @property
    def course(self) -> str | None:
        """The metric of the learning curve, if the accuracy is read from it; published runs then keep the curve."""
        return self.accuracy.course if self.needs_course else None

    @property
    def needs_course(self) -> bool:
        """Whether the accuracy is read from the learning curve."""
        return self.accuracy.needs_course

    @property
    def improves(self) -> Literal["lower"]:
        """A lower error is better."""
        return "lower"


@dataclass(frozen=True)
class GateShare(Reading):
    """Share in % of the weights kept in the recurrent layer that one gate has, or the gate with the most.

    gate: number of the gate in the order of the cell (r, z, n of a GRU), None for the gate with the most weights.
    """

    gate: int | None = None

    def __call__(self, stage: StageResult) -> float:
        """Return the share in %."""
        gates: list[int] = [sum(counts) for counts in zip(*kept_in_recurrence(stage).values(), strict=True)]
        chosen = max(gates) if self.gate is None else gates[self.gate]
        return 100 * chosen / sum(gates)

    def __str__(self) -> str:
        """Return the name of the number."""
        return "share of the gate with the most weights" if self.gate is None else f"share of gate {self.gate}"


@dataclass(frozen=True)
class InputRatio(Reading):
    """Number of input weights kept for each recurrent weight kept; at least one recurrent weight is counted."""

    def __call__(self, stage: StageResult) -> float:
        """Return the ratio."""
        kept = {name: sum(counts) for name, counts in kept_in_recurrence(stage).items()}
        inputs = sum(number for name, number in kept.items() if name.endswith("weight_ih"))
        return inputs / max(1, sum(kept.values()) - inputs)

    def __str__(self) -> str:
        """Return the name of the number."""
        return "input weights per recurrent weight"


@dataclass(frozen=True)
class LastLoss(Reading):
    """Mean training loss over the batches of the last epoch, in nats."""

    def __call__(self, stage: StageResult) -> float:
        """Return the loss."""
        if not stage.history:
            raise BenchError(f"{self}: stage {stage.name!r} has no history: {RERUN}")
        return stage.history[-1].loss

    def __str__(self) -> str:
        """Return the name of the number."""
        return "training loss of the last epoch"

    @property
    def reads_losses(self) -> bool:
        """True."""
        return True

    @property
    def improves(self) -> Literal["lower"]:
        """A lower loss is better."""
        return "lower"


@dataclass(frozen=True)
class PruningSeconds(Reading):
    """Wall time of the pruning steps of the stage together, in seconds."""

    def __call__(self, stage: StageResult) -> float:
        """Return the time."""
        return _timed(stage).pruning_ms / 1000

    def __str__(self) -> str:
        """Return the name of the number."""
        return "time of pruning"

    @property
    def improves(self) -> Literal["lower"]:
        """Less time is better."""
        return "lower"


@dataclass(frozen=True)
class PruningSteps(Reading):
    """Wall time of the pruning steps of the stage, in units of the mean wall time of one training step."""

    def __call__(self, stage: StageResult) -> float:
        """Return the ratio."""
        return _timed(stage).pruning_ms / stage.step_ms

    def __str__(self) -> str:
        """Return the name of the number."""
        return "time of pruning in training steps"

    @property
    def improves(self) -> Literal["lower"]:
        """Less time is better."""
        return "lower"


def kept_in_recurrence(stage: StageResult) -> dict[str, tuple[int, ...]]:
    """Return the numbers of weights that the masks leave in the recurrent layer, by gate, of each weight matrix.

    Raises:
        BenchError: If the stage has no such numbers.
    """
    kept = {name: counts for name, counts in stage.kept.items() if name.startswith("recurrence.")}
    if not kept:
        raise BenchError(
            f"stage {stage.name!r} has no numbers of weights by gate of a recurrent layer, only of "
            f"{', '.join(stage.kept) or 'nothing'}; an older version may have produced it: {RERUN}"
        )
    return kept


def _timed(stage: StageResult) -> StageResult:
    """Return the stage, or raise BenchError if the time of its pruning was not measured."""
    if not stage.pruning_ms:
        raise BenchError(f"stage {stage.name!r} has no time of pruning; it pruned nothing, or it is older: {RERUN}")
    return stage
