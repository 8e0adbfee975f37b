"""One of the runs that a trainer advances together: its parts, and what it has measured so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from srnn_masks import masks, replace

from ..experiment import Epoch, StageResult
from ._parts import Parts
from ._recurrence_engine import RecurrenceEngine


@dataclass
class Member:
    """One of the runs of a trainer.

    Args:
        parts: What it trains.
        engine: The engine of its recurrences that was asked for, see `Conditions`.
        history: Epochs of the current stage.
        finished: Results of the finished stages.
        weights: Weights and masks at the end of the finished stages, as bytes of safetensors files, if they are kept.
        diverged: Why the run stopped; None while it trains.
        best: Best validation loss so far, for a learning-rate schedule that depends on it.
    """

    parts: Parts
    engine: str = "loop"
    history: list[Epoch] = field(default_factory=list)
    finished: list[StageResult] = field(default_factory=list)
    weights: dict[str, bytes] = field(default_factory=dict)
    diverged: str | None = None
    best: float | None = None

    def __post_init__(self) -> None:
        self.recurrences = RecurrenceEngine(self.parts.model, self.engine)

    def record_if_best(self, validation: float) -> bool:
        """Record a validation loss as the best if it is below the best so far; return whether it is."""
        if self.best is not None and validation >= self.best:
            return False
        self.best = validation
        return True

    def state_dict(self) -> dict[str, Any]:
        """Return everything of this run that changes during training, except what the engine keeps."""
        parts = self.parts
        pruners = {plan.stage.name: plan.pruner for plan in parts.plans}
        return {
            "history": [epoch.model_dump() for epoch in self.history],
            "finished": [stage.model_dump() for stage in self.finished],
            "weights": {name: _as_tensor(data) for name, data in self.weights.items()},
            "diverged": self.diverged,
            "best": self.best,
            "engines": list(self.recurrences.used),
            "masks": masks(parts.model),
            "model": parts.model.state_dict(),
            "penalties": parts.penalties.state_dict(),
            "source": parts.source.state_dict(),
            "sources": {plan.stage.name: plan.source.state_dict() for plan in parts.plans if plan.source is not None},
            "pruning": {name: each.generator.get_state() for name, each in pruners.items() if each and each.generator},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
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
        self.recurrences.resume_stage(tuple(state["engines"]))


def _as_tensor(data: bytes) -> Tensor:
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)
