"""What an experiment and a seed make: the opened task, the network with its masks, penalties, and checked stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from srnn_masks import apply, apply_signs, balance_signs, correct_fan_in
from srnn_pruning import Pruner, snapshot
from srnn_tasks import Source

from ..experiment import Annealing, Experiment, Stage
from ._penalties import Penalties
from ._streams import stream


@dataclass(frozen=True)
class Plan:
    """A stage that was checked against model and task.

    `batches` is the length of an epoch, `pruner` prunes at its start, `trained` names what trains, `penalties` are
    those to begin the stage with where they are not those of the stage before, and `source` is that of the stage's own
    task, where it has one.
    """

    stage: Stage
    batches: int
    pruner: Pruner | None
    trained: frozenset[str]
    penalties: Penalties | None
    source: Source | None = None


@dataclass(frozen=True)
class Parts:
    """What one run trains. `original` holds the weights it began with, where a stage goes back to them.

    Whenever weights are drawn, those that `fan_in` names are corrected for their fan-in, and those of `balanced` have
    excitation and inhibition balanced.
    """

    seed: int
    source: Source
    model: nn.Module
    penalties: Penalties
    plans: tuple[Plan, ...]
    original: dict[str, Tensor]
    fan_in: tuple[str, ...] = ()
    balanced: tuple[str, ...] = ()

    def source_of(self, number: int) -> Source:
        """Return what a stage trains on and is measured on."""
        return self.plans[number].source or self.source


def assemble(experiment: Experiment, seed: int, device: torch.device) -> Parts:
    """Open the task, draw the network, its masks and embeddings, and check every stage, before anything is trained.

    Weights, masks and embeddings are drawn on the CPU, so that they are the same on every device.
    Raises ValueError for a mistake in the experiment, such as a glob that matches no parameter.
    """
    source = experiment.task.open(device=device, generator=stream(seed, "task", device=device))
    model = experiment.model.build(source.spec, generator=stream(seed, "model")).to(device)
    fan_in, balanced = _wear(model, experiment, seed)
    settle(model, fan_in, balanced)
    penalties = _penalties(model, experiment, seed).to(device)
    original = snapshot(model) if any(stage.start == "rewind" for stage in experiment.stages) else {}
    plans = []
    for stage in experiment.stages:
        fresh = _penalties(model, experiment, seed, stage.name) if stage.regularizer == "fresh" else None
        trained = _trained(model, penalties, stage)
        own = _own_source(source, stage, seed, device)
        batches, pruner = _epoch_batches(own or source, stage), _pruner(model, stage, seed, device)
        plans.append(Plan(stage, batches, pruner, trained, None if fresh is None else fresh.to(device), own))
    return Parts(seed, source, model, penalties, tuple(plans), original, fan_in, balanced)


def _own_source(source: Source, stage: Stage, seed: int, device: torch.device) -> Source | None:
    """Open the stage's own task, if it has one, and check that the network fits it."""
    if stage.task is None:
        return None
    own = stage.task.open(device=device, generator=stream(seed, "task", stage.name, device=device))
    for name in ("inputs", "outputs", "start", "tokens", "carry"):
        expected, got = getattr(source.spec, name), getattr(own.spec, name)
        if expected != got:
            raise ValueError(
                f"stage {stage.name!r}: task: expected {name} = {expected} as in the experiment's task, got {got}"
            )
    return own


def _epoch_batches(source: Source, stage: Stage) -> int:
    """Return how many batches an epoch has, and check that the task gives what the learning rate goes by."""
    batches = stage.training.batches or source.epoch_batches(stage.training.batch_size)
    if batches is None:
        raise ValueError(
            f"stage {stage.name!r}: the task has no end, so training.batches must say how long an epoch is"
        )
    metrics = [metric.name for metric in source.spec.metrics]
    if isinstance(stage.training.rates, Annealing) and "loss" not in metrics:
        raise ValueError(
            f"stage {stage.name!r}: training.rates is annealing, which goes by the validation metric 'loss'; "
            f"the task has {', '.join(metrics)}"
        )
    return batches


def _pruner(model: nn.Module, stage: Stage, seed: int, device: torch.device) -> Pruner | None:
    if stage.pruning is None:
        return None
    generator = stream(seed, "pruning", stage.name, device=device)
    return Pruner(model, stage.pruning, epochs=stage.training.epochs, generator=generator)


def _trained(model: nn.Module, penalties: Penalties, stage: Stage) -> frozenset[str]:
    """Return the names of parameters and embeddings that train in a stage; a glob of `freeze` must match something."""
    names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    if stage.regularizer != "none":
        names += list(penalties.trained)
    for glob in stage.freeze:
        if not any(fnmatchcase(name, glob) for name in names):
            raise ValueError(
                f"stage {stage.name!r}: freeze: {glob!r} matches nothing that trains; there are {', '.join(names)}"
            )
    left = frozenset(name for name in names if not any(fnmatchcase(name, glob) for glob in stage.freeze))
    if not left:
        raise ValueError(f"stage {stage.name!r}: freeze: expected something to be left that trains, got {stage.freeze}")
    return left


def settle(model: nn.Module, fan_in: Sequence[str], balanced: Sequence[str]) -> None:
    """Fit new weights to what the network wears: by their fan-in, then by excitation and inhibition."""
    if fan_in:
        correct_fan_in(model, *fan_in)
    if balanced:
        balance_signs(model, *balanced)


def _wear(model: nn.Module, experiment: Experiment, seed: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Put on all masks, each parameter its own draw, and all signs, one draw for each number of columns.

    Returns the names of the parameters to correct for their fan-in, and of those to balance.
    """
    fan_in: dict[str, None] = {}
    balanced: dict[str, None] = {}
    for number, masked in enumerate(experiment.masks):
        for name, parameter in _matching(model, masked.parameter, f"masks.{number}.parameter"):
            generator = stream(seed, "masks", number, name)
            apply(model, {name: masked.pattern.mask(*parameter.shape, gates=_gates(model, name), generator=generator)})
            if masked.initialization == "fan_in":
                fan_in[name] = None
    for number, signed in enumerate(experiment.signs):
        for name, parameter in _matching(model, signed.parameter, f"signs.{number}.parameter"):
            columns = parameter.shape[1]
            drawn = signed.law.signs(columns, generator=stream(seed, "signs", number, columns))
            apply_signs(model, {name: drawn.to(parameter)})
            if signed.initialization == "balanced":
                balanced[name] = None
    return tuple(fan_in), tuple(balanced)


def _penalties(model: nn.Module, experiment: Experiment, seed: int, *stage: str) -> Penalties:
    """Build every penalty of the experiment; each parameter has its own embedding, and so has a stage that wants it."""
    terms: list[tuple[float, str, nn.Module]] = []
    for number, penalty in enumerate(experiment.penalties):
        for name, parameter in _matching(model, penalty.parameter, f"penalties.{number}.parameter"):
            generator = stream(seed, "penalties", number, name, *stage)
            rows, columns = parameter.shape
            gates = _gates(model, name)
            sources = None if name.rpartition(".")[2].startswith("weight_hh") else columns
            built = penalty.regularizer.build(rows // gates, gates=gates, sources=sources, generator=generator)
            terms.append((penalty.strength, name, built))
    return Penalties(terms)


def _matching(model: nn.Module, glob: str, field: str) -> list[tuple[str, nn.Parameter]]:
    """Return the weight matrices whose name matches; there must be one."""
    matrices = {name: parameter for name, parameter in model.named_parameters() if parameter.dim() == 2}
    found = [(name, parameter) for name, parameter in matrices.items() if fnmatchcase(name, glob)]
    if not found:
        raise ValueError(f"{field}: {glob!r} matches no weight matrix of the model; it has {', '.join(matrices)}")
    return found


def _gates(model: nn.Module, name: str) -> int:
    """Return how many gates the module that owns the parameter stacks in its rows; 1 where it says nothing of gates."""
    return int(getattr(model.get_submodule(name.rpartition(".")[0]), "gates", 1))
