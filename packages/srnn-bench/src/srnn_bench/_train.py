"""The training loop of one stage: batch, outputs, loss, step; masks hold by themselves."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from srnn_pruning import Pruner, densities
from srnn_tasks import Batch, Source, carried

from ._environment import peak_memory_mb, reset_peak_memory
from ._experiment import Stage
from ._result import Epoch, StageResult
from ._streams import stream

SCOPE = ("*weight*",)


class Diverged(Exception):
    """A loss, a weight or a metric is no finite number; the text says which, where and when."""


@dataclass(frozen=True)
class Plan:
    """A stage that was checked against model and task: how many batches an epoch has, and what prunes at its start."""

    stage: Stage
    batches: int
    pruner: Pruner | None


def plan(model: nn.Module, source: Source, stage: Stage, *, seed: int, device: torch.device) -> Plan:
    """Check a stage before anything is trained.

    Raises ValueError when pruning's scope matches no weight, or when the task has no epoch and the stage gives none.
    """
    batches = stage.training.batches or source.epoch_batches(stage.training.batch_size)
    if batches is None:
        raise ValueError(
            f"stage {stage.name!r}: the task has no end, so training.batches must say how long an epoch is"
        )
    if stage.pruning is None:
        return Plan(stage, batches, None)
    generator = stream(seed, "pruning", stage.name, device=device)
    return Plan(stage, batches, Pruner(model, stage.pruning, epochs=stage.training.epochs, generator=generator))


def train(
    model: nn.Module,
    source: Source,
    plan: Plan,
    penalty: Callable[[], Tensor],
    *,
    seed: int,
    device: torch.device,
    progress: Callable[[int, int], None],
) -> StageResult:
    """Train `model` through one stage, in place, and measure it.

    `penalty()` gives the weighted penalties as a scalar; `progress(epoch, epochs)` is called after each epoch.
    Raises Diverged.
    """
    stage, training = plan.stage, plan.stage.training
    draws = source.batches(training.batch_size, generator=stream(seed, "batches", stage.name, device=device))
    optimizer = training.optimizer.build(
        [parameter for parameter in model.parameters() if parameter.requires_grad], training.learning_rate
    )
    step = Step(model, source, optimizer, penalty, training.clip_norm)
    reset_peak_memory(device)
    history, seconds = [], []
    for epoch in range(1, training.epochs + 1):
        if plan.pruner is not None:
            plan.pruner.step(epoch)
        begin = time.perf_counter()
        losses = run_epoch(step, draws, plan.batches)  # on the host: the steps' one wait for the device
        seconds.append(time.perf_counter() - begin)
        where = f"stage {stage.name!r}, epoch {epoch} of {training.epochs}"
        check_finite({"loss": losses[0], "penalty": losses[1]}, where)
        check_weights(model, where)
        history.append(Epoch(loss=losses[0], penalty=losses[1], density=mean_density(model)))
        progress(epoch, training.epochs)
    metrics = source.evaluate(model, split="test", generator=stream(seed, "evaluate", device=device))
    check_finite(metrics, f"stage {stage.name!r}, held-out metrics")
    steady = seconds[1:] or seconds
    return StageResult(
        name=stage.name,
        metrics=metrics,
        densities=densities(model, SCOPE),
        history=tuple(history),
        steps=training.epochs * plan.batches,
        step_ms=1000 * sum(steady) / (len(steady) * plan.batches),
        peak_memory_mb=peak_memory_mb(device),
    )


class Step:
    """One training step; it carries the hidden state from batch to batch where the task asks for it."""

    def __init__(
        self,
        model: nn.Module,
        source: Source,
        optimizer: torch.optim.Optimizer,
        penalty: Callable[[], Tensor],
        clip_norm: float | None,
    ) -> None:
        self.model, self.source, self.optimizer = model, source, optimizer
        self.penalty, self.clip_norm = penalty, clip_norm
        self.state: Any = None

    def __call__(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Take one step; return the task's loss and the weighted penalty, both scalars on the device."""
        state = carried(self.state, batch.reset) if self.source.spec.carry else None
        outputs, self.state = self.model(batch.inputs, start=batch.start, state=state)
        loss, penalty = self.source.loss(outputs, batch), self.penalty()
        self.optimizer.zero_grad(set_to_none=True)
        (loss + penalty).backward()  # type: ignore[no-untyped-call]
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.optimizer.step()
        return loss.detach(), penalty.detach()


def run_epoch(step: Step, draws: Iterator[Batch], batches: int) -> list[float]:
    """Take `batches` steps and return the mean loss and the mean penalty."""
    step.model.train()
    total: Tensor | float = 0.0
    for _ in range(batches):
        total = total + torch.stack(step(next(draws))).double()
    assert isinstance(total, Tensor)
    return [float(value) for value in (total / batches).tolist()]


def mean_density(model: nn.Module) -> float:
    """Return the share of weights present over all weight matrices together."""
    shares = densities(model, SCOPE)
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters() if name in shares}
    return sum(shares[name] * size for name, size in sizes.items()) / sum(sizes.values())


def check_finite(values: Mapping[str, float], where: str) -> None:
    """Raise Diverged when one of the values is NaN or infinite."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise Diverged(f"{name} is {value} at {where}")


def check_weights(model: nn.Module, where: str) -> None:
    """Raise Diverged when a parameter holds NaN or infinity."""
    for name, parameter in model.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            raise Diverged(f"parameter {name} holds a value that is not finite at {where}")
