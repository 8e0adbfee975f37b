"""The stages of an experiment, checked against its model and task."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import nn

from srnn_pruning import Pruner
from srnn_tasks import Source

from .._errors import BenchError
from ..experiment import Annealing, Stage
from ._evidence_batch import evidence_batch
from ._penalties import Penalties
from ._streams import stream

EVIDENCE = ("loss", "run")  # what `evidence_of` returns


@dataclass(frozen=True)
class Plan:
    """A stage that was checked against model and task.

    Args:
        stage: The stage.
        batches: Batches per epoch.
        pruner: Prunes at the start of each epoch, if the stage prunes.
        trained: Names of the parameters and embeddings that train.
        penalties: The penalties to begin with, if they are drawn again for this stage.
        source: The source of the stage's own task, if it has one.
    """

    stage: Stage
    batches: int
    pruner: Pruner | None
    trained: frozenset[str]
    penalties: Penalties | None
    source: Source | None = None

    @property
    def regularized(self) -> bool:
        """Whether the penalties of the experiment count in this stage."""
        return self.stage.regularizer != "none"


def plan_stage(
    stage: Stage,
    seed: int,
    device: torch.device,
    *,
    model: nn.Module,
    source: Source,
    penalties: Penalties,
    fresh: Penalties | None,
) -> Plan:
    """Check a stage and return its plan. `fresh` are its own penalties, if they are drawn again.

    Raises:
        BenchError: If a glob of `freeze` matches nothing or nothing is left to train, the stage's task does not fit the
            network, the length of an epoch is unknown, the task has no loss for annealing, or no batch of
            `evidence_rows` rows for a criterion that reads data.
        PruningError: If the criterion needs evidence that a run does not have.
    """
    trained = _trained(model, penalties, stage)
    own_source = _own_source(source, stage, seed, device)
    batches = _epoch_batches(own_source or source, stage)
    pruner = _pruner(model, stage, seed, device)
    if pruner is not None and pruner.pruning.criterion.wants:
        evidence_batch(own_source or source, stage, seed, 1, device)  # raises if the task cannot draw that many rows
    return Plan(stage, batches, pruner, trained, fresh, own_source)


def _trained(model: nn.Module, penalties: Penalties, stage: Stage) -> frozenset[str]:
    """Return the names of parameters and embeddings that train in a stage."""
    names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    if stage.regularizer != "none":
        names += list(penalties.trained)
    for glob in stage.freeze:
        if not any(fnmatchcase(name, glob) for name in names):
            raise BenchError(
                f"stage {stage.name!r}: freeze: {glob!r} matches no trained parameter; there are {', '.join(names)}"
            )
    trained = frozenset(name for name in names if not any(fnmatchcase(name, glob) for glob in stage.freeze))
    if not trained:
        raise BenchError(
            f"stage {stage.name!r}: freeze: expected at least one parameter left to train, got {stage.freeze}"
        )
    return trained


def _own_source(source: Source, stage: Stage, seed: int, device: torch.device) -> Source | None:
    """Open the stage's own task, if it has one, and check that it fits the network."""
    if stage.task is None:
        return None
    own = stage.task.open(device=device, generator=stream(seed, "task", stage.name, device=device))
    for name in ("inputs", "outputs", "start", "tokens", "carry"):
        expected, got = getattr(source.spec, name), getattr(own.spec, name)
        if expected != got:
            raise BenchError(
                f"stage {stage.name!r}: task: expected {name} = {expected} as in the experiment's task, got {got}"
            )
    return own


def _epoch_batches(source: Source, stage: Stage) -> int:
    """Return the number of batches per epoch; check that the task measures what the learning-rate schedule needs."""
    batches = stage.training.batches or source.epoch_batches(stage.training.batch_size)
    if batches is None:
        raise BenchError(
            f"stage {stage.name!r}: training.batches: expected the number of batches per epoch, got None; the task is "
            "an endless stream without epochs of its own"
        )
    metrics = source.spec.measured("validation")
    if isinstance(stage.training.rates, Annealing) and "loss" not in metrics:
        raise BenchError(
            f"stage {stage.name!r}: training.rates: annealing needs the validation metric 'loss'; the task has "
            f"{', '.join(metrics)}"
        )
    return batches


def _pruner(model: nn.Module, stage: Stage, seed: int, device: torch.device) -> Pruner | None:
    if stage.pruning is None:
        return None
    stage.pruning.criterion.check_evidence(dict.fromkeys(EVIDENCE, True))
    generator = stream(seed, "pruning", stage.name, device=device)
    return Pruner(model, stage.pruning, epochs=stage.training.epochs, generator=generator)
