"""What an experiment and a seed make: the opened task, the network with its masks, penalties, and checked stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from srnn_masks import apply
from srnn_pruning import Pruner, snapshot
from srnn_tasks import Source

from ._experiment import Experiment, Stage
from ._streams import stream


class Penalties(nn.Module):
    """The sum of strength times penalty over all penalised parameters."""

    def __init__(self, terms: Sequence[tuple[float, str, nn.Module]]) -> None:
        super().__init__()
        self.strengths = [strength for strength, _, _ in terms]
        self.names = [name for _, name, _ in terms]
        self.terms = nn.ModuleList([term for _, _, term in terms])

    def forward(self, parameters: Mapping[str, Tensor]) -> Tensor:
        """Return the weighted sum, a scalar, of parameters by their full names."""
        value = next(iter(parameters.values())).new_zeros(())
        for strength, name, term in zip(self.strengths, self.names, self.terms, strict=True):
            value = value + strength * term(parameters[name])
        return value


@dataclass(frozen=True)
class Plan:
    """A stage that was checked against model and task: how many batches an epoch has, and what prunes at its start."""

    stage: Stage
    batches: int
    pruner: Pruner | None


@dataclass(frozen=True)
class Parts:
    """What one run trains. `original` holds the weights it began with, where a stage goes back to them."""

    seed: int
    source: Source
    model: nn.Module
    penalties: Penalties
    plans: tuple[Plan, ...]
    original: dict[str, Tensor]


def assemble(experiment: Experiment, seed: int, device: torch.device) -> Parts:
    """Open the task, draw the network, its masks and embeddings, and check every stage, before anything is trained.

    Weights, masks and embeddings are drawn on the CPU, so that they are the same on every device.
    Raises ValueError for a mistake in the experiment, such as a glob that matches no parameter.
    """
    source = experiment.task.open(device=device, generator=stream(seed, "task", device=device))
    model = experiment.model.build(source.spec, generator=stream(seed, "model")).to(device)
    _wear(model, experiment, seed)
    penalties = _penalties(model, experiment, seed).to(device)
    original = snapshot(model) if any(stage.start == "rewind" for stage in experiment.stages) else {}
    plans = tuple(_plan(model, source, stage, seed, device) for stage in experiment.stages)
    return Parts(seed, source, model, penalties, plans, original)


def _plan(model: nn.Module, source: Source, stage: Stage, seed: int, device: torch.device) -> Plan:
    batches = stage.training.batches or source.epoch_batches(stage.training.batch_size)
    if batches is None:
        raise ValueError(
            f"stage {stage.name!r}: the task has no end, so training.batches must say how long an epoch is"
        )
    if stage.pruning is None:
        return Plan(stage, batches, None)
    generator = stream(seed, "pruning", stage.name, device=device)
    return Plan(stage, batches, Pruner(model, stage.pruning, epochs=stage.training.epochs, generator=generator))


def _wear(model: nn.Module, experiment: Experiment, seed: int) -> None:
    """Put on every mask of the experiment; each parameter has its own draw."""
    for number, masked in enumerate(experiment.masks):
        for name, parameter in _matching(model, masked.parameter, f"masks.{number}.parameter"):
            generator = stream(seed, "masks", number, name)
            apply(model, {name: masked.pattern.mask(*parameter.shape, gates=_gates(model, name), generator=generator)})


def _penalties(model: nn.Module, experiment: Experiment, seed: int) -> Penalties:
    """Build every penalty of the experiment; each parameter has its own embedding."""
    terms: list[tuple[float, str, nn.Module]] = []
    for number, penalty in enumerate(experiment.penalties):
        for name, parameter in _matching(model, penalty.parameter, f"penalties.{number}.parameter"):
            generator = stream(seed, "penalties", number, name)
            built = penalty.regularizer.build(parameter.shape[1], gates=_gates(model, name), generator=generator)
            if built.shape != parameter.shape:
                raise ValueError(
                    f"penalties.{number}.parameter: expected a recurrent matrix, here of shape {built.shape}, "
                    f"got {name} of shape {tuple(parameter.shape)}"
                )
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
