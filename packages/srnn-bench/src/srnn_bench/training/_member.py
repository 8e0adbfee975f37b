"""One of the runs that a trainer advances together, and how far the training is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from srnn_masks import masks, replace

from ..experiment import Epoch, StageResult
from ._parts import Parts


@dataclass
class Member:
    """One of the runs of a trainer, and what it has measured so far; `diverged` says why it goes no further."""

    parts: Parts
    history: list[Epoch] = field(default_factory=list)
    finished: list[StageResult] = field(default_factory=list)
    weights: dict[str, bytes] = field(default_factory=dict)
    diverged: str | None = None
    best: float | None = None  # validation loss, where the learning rate goes by it

    def state_dict(self) -> dict[str, Any]:
        """Return all of this run that changes while it trains."""
        parts = self.parts
        pruners = {plan.stage.name: plan.pruner for plan in parts.plans}
        return {
            "history": [epoch.model_dump() for epoch in self.history],
            "finished": [stage.model_dump() for stage in self.finished],
            "weights": {name: _as_tensor(text) for name, text in self.weights.items()},
            "diverged": self.diverged,
            "best": self.best,
            "masks": masks(parts.model),
            "model": parts.model.state_dict(),
            "penalties": parts.penalties.state_dict(),
            "source": parts.source.state_dict(),
            "sources": {plan.stage.name: plan.source.state_dict() for plan in parts.plans if plan.source is not None},
            "pruning": {name: held.generator.get_state() for name, held in pruners.items() if held and held.generator},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        parts = self.parts
        self.history = [Epoch.model_validate(epoch) for epoch in state["history"]]
        self.finished = [StageResult.model_validate(stage) for stage in state["finished"]]
        self.weights = {name: tensor.numpy().tobytes() for name, tensor in state["weights"].items()}
        self.diverged = state["diverged"]
        self.best = state["best"]
        replace(parts.model, state["masks"])
        parts.model.load_state_dict(state["model"])
        parts.penalties.load_state_dict(state["penalties"])
        parts.source.load_state_dict(state["source"])
        for plan in parts.plans:
            if plan.source is not None:
                plan.source.load_state_dict(state["sources"][plan.stage.name])
            if plan.stage.name in state["pruning"]:
                assert plan.pruner is not None and plan.pruner.generator is not None
                plan.pruner.generator.set_state(state["pruning"][plan.stage.name])


@dataclass
class Position:
    """How far the training is: `batch` batches of an epoch of a stage are done; their sums `(S, 2)`, and the time.

    `epoch_seconds` holds the time of the stage's epochs, the one under way last; `seconds` is all time spent.
    """

    stage: int = 0
    epoch: int = 1
    batch: int = 0
    total: Tensor | None = None
    epoch_seconds: list[float] = field(default_factory=list)
    seconds: float = 0.0


def improves(member: Member, validation: float) -> bool:
    """Whether a validation loss is below the best so far; then it is the best from now on."""
    if member.best is not None and validation >= member.best:
        return False
    member.best = validation
    return True


def _as_tensor(data: bytes) -> Tensor:
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)
