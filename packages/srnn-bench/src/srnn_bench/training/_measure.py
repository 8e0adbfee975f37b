"""Measurements of a run: at the end of an epoch, and at the end of a stage."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Literal

import torch
from safetensors.torch import save
from torch import nn

from srnn_masks import masks
from srnn_models import Matrix
from srnn_pruning import WEIGHTS, densities

from ..experiment import Annealing, Epoch, StageResult
from ._device import peak_memory_mb
from ._matrices import matrices_of
from ._member import Member
from ._streams import stream

ZERO = 1e-5  # weights with |w| <= 1e-5 count as absent: compatible with the counts in Table 1 of arXiv 2207.03523


class Diverged(Exception):
    """A loss, a weight or a metric is not finite; the message names it, and the place."""


def measure_epoch(
    member: Member, stage: int, number: int, *, loss: float, penalty: float, learning_rate: float, device: torch.device
) -> Epoch:
    """Return the measurements at the end of epoch `number` of a stage.

    Args:
        member: The run.
        stage: Number of the stage, from 0.
        number: Number of the epoch, from 1.
        loss: Mean loss over the batches of the epoch.
        penalty: Mean weighted penalty over the batches of the epoch.
        learning_rate: Learning rate of the epoch, recorded if its schedule depends on the validation loss.
        device: Device of the run.

    Raises:
        Diverged: If a mean, a parameter or a requested metric is not finite.
    """
    plan = member.parts.plans[stage]
    training, name = plan.stage.training, plan.stage.name
    where = f"stage {name!r}, epoch {number} of {training.epochs}"
    check_finite({"loss": loss, "penalty": penalty}, where)
    check_weights(member.parts.model, where)
    every = training.evaluate_every
    requested = every is not None and (number == training.epochs or number % every == 0)
    annealed = isinstance(training.rates, Annealing)
    metrics = _evaluate(member, stage, "validation", "validate", device) if requested or annealed else {}
    checked = metrics if requested else {"loss": metrics["loss"]} if annealed else {}
    check_finite({f"validation {name}": value for name, value in checked.items()}, where)
    return Epoch(
        loss=loss,
        penalty=penalty,
        density=mean_density(member.parts.model),
        validation=metrics["loss"] if annealed else None,
        learning_rate=learning_rate if annealed else None,
        metrics=metrics if requested else {},
    )


def measure_stage(
    member: Member, stage: int, *, step_ms: float, pruning_ms: float, device: torch.device
) -> StageResult:
    """Return the result of a stage, given its number, the mean milliseconds per step and those of all pruning steps.

    Raises:
        Diverged: If a metric on the test split is not finite.
    """
    plan, model = member.parts.plans[stage], member.parts.model
    metrics = _evaluate(member, stage, "test", "evaluate", device)
    check_finite(metrics, f"stage {plan.stage.name!r}, held-out metrics")
    return StageResult(
        name=plan.stage.name,
        metrics=metrics,
        densities=densities(model, WEIGHTS),
        history=tuple(member.history),
        steps=plan.stage.training.epochs * plan.batches,
        step_ms=step_ms,
        peak_memory_mb=peak_memory_mb(device),
        present=weights_present(model),
        kept=weights_kept(model),
        pruning_ms=pruning_ms,
        engines=member.recurrences.used,
    )


def weights_file(member: Member, stage: str) -> bytes:
    """Return weights, masks and points of a run at the end of a stage as the bytes of a safetensors file."""
    parts = member.parts
    tensors = {**parts.model.state_dict(), **parts.penalties.embeddings}
    copies = {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}
    # one entry: with several, safetensors changes their order from file to file
    return save(copies, metadata={"run": json.dumps({"seed": parts.seed, "stage": stage})})


def _evaluate(
    member: Member, stage: int, split: Literal["validation", "test"], purpose: str, device: torch.device
) -> dict[str, float]:
    """Return all metrics on a split; the draws are the same each time."""
    generator = stream(member.parts.seed, purpose, device=device)
    return member.parts.source_of(stage).evaluate(member.parts.model, split=split, generator=generator)


def mean_density(model: nn.Module) -> float:
    """Return the share of weights present over all weight matrices together."""
    shares = densities(model, WEIGHTS)
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters() if name in shares}
    return sum(shares[name] * size for name, size in sizes.items()) / sum(sizes.values())


def weights_present(model: nn.Module) -> dict[str, int]:
    """Return, for each weight matrix, the number of entries with |w| > `ZERO`."""
    names = densities(model, WEIGHTS)
    named = model.named_parameters()
    return {name: int((parameter.abs() > ZERO).sum()) for name, parameter in named if name in names}


def weights_kept(model: nn.Module) -> dict[str, tuple[int, ...]]:
    """Return, for each weight matrix, the number of entries of each gate that its mask leaves: all without a mask."""
    names, matrices, applied = densities(model, WEIGHTS), matrices_of(model), masks(model)
    kept = {}
    for name, parameter in model.named_parameters():
        if name in names:
            gates = matrices.get(name, Matrix()).gates  # blocks of equal size in the rows
            mask = applied.get(name)
            counts = [parameter.numel() // gates] * gates if mask is None else mask.reshape(gates, -1).sum(1).tolist()
            kept[name] = tuple(counts)
    return kept


def check_finite(values: Mapping[str, float], where: str) -> None:
    """Raise `Diverged` if one of the values is NaN or infinite."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise Diverged(f"{name} is {value} at {where}")


def check_weights(model: nn.Module, where: str) -> None:
    """Raise `Diverged` if a parameter has NaN or infinite entries."""
    for name, parameter in model.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            raise Diverged(f"parameter {name} holds a value that is not finite at {where}")
