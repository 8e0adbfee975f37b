"""One run: an experiment and a seed become a result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import partial

import torch
from torch import Tensor, nn

from srnn_masks import apply
from srnn_pruning import reinitialize, rewind, snapshot

from ._environment import conditions, describe, resolve_device
from ._experiment import Experiment
from ._result import Result, StageResult
from ._streams import stream
from ._train import Diverged, train

Progress = Callable[[str, int, int], None]


def run(
    experiment: Experiment,
    *,
    seed: int,
    device: str = "auto",
    precision: str = "float32",
    threads: int = 1,
    progress: Progress | None = None,
) -> Result:
    """Train and measure every stage of an experiment.

    On a CPU the same experiment, seed and number of threads give the same bits. `device` is `auto`, `cpu` or
    `cuda[:n]`; `precision` is `float32`, `tf32` or `bfloat16` (autocast); `progress(stage, epoch, epochs)` is called
    after each epoch. A run that diverges ends as a result with its reason; a mistake in the experiment, such as a
    glob that matches no parameter, raises ValueError before anything is trained.
    """
    where = resolve_device(device)
    begin = time.perf_counter()
    finished: list[StageResult] = []
    reason = None
    with conditions(where, precision, threads):
        try:
            for stage in _stages(experiment, seed, where, progress or _silent):
                finished.append(stage)
        except Diverged as error:
            reason = str(error)
    return Result(
        key=experiment.key(seed),
        experiment=experiment,
        seed=seed,
        status="done" if reason is None else "diverged",
        reason=reason,
        stages=tuple(finished),
        environment=describe(experiment.task.kind, where, precision, threads),
        seconds=time.perf_counter() - begin,
    )


def _stages(experiment: Experiment, seed: int, device: torch.device, progress: Progress) -> Iterator[StageResult]:
    source = experiment.task.open(device=device, generator=stream(seed, "task", device=device))
    # Weights, masks and embeddings are drawn on the CPU, so that they are the same on every device.
    model = experiment.model.build(source.spec, generator=stream(seed, "model")).to(device)
    _wear(model, experiment, seed)
    penalty = _penalties(model, experiment, seed, device)
    original = snapshot(model)
    for stage in experiment.stages:
        if stage.start == "reinitialize":
            reinitialize(model, generator=stream(seed, "reinitialize", stage.name))
        elif stage.start == "rewind":
            rewind(model, original)
        yield train(
            model,
            source,
            stage,
            penalty,
            seed=seed,
            device=device,
            progress=partial(progress, stage.name),
        )


def _wear(model: nn.Module, experiment: Experiment, seed: int) -> None:
    """Put on every mask of the experiment; each parameter has its own draw."""
    for number, masked in enumerate(experiment.masks):
        for name, parameter in _matching(model, masked.parameter, f"masks.{number}.parameter"):
            generator = stream(seed, "masks", number, name)
            apply(model, {name: masked.pattern.mask(*parameter.shape, gates=_gates(model, name), generator=generator)})


def _penalties(model: nn.Module, experiment: Experiment, seed: int, device: torch.device) -> Callable[[], Tensor]:
    """Return a function that gives the sum of strength times penalty over all penalised parameters."""
    terms: list[tuple[float, nn.Module, nn.Parameter]] = []
    for number, penalty in enumerate(experiment.penalties):
        for name, parameter in _matching(model, penalty.parameter, f"penalties.{number}.parameter"):
            generator = stream(seed, "penalties", number, name)
            built = penalty.regularizer.build(parameter.shape[1], gates=_gates(model, name), generator=generator)
            terms.append((penalty.strength, built.to(device), parameter))

    def total() -> Tensor:
        value = torch.zeros((), device=device)
        for strength, built, parameter in terms:
            value = value + strength * built(parameter)
        return value

    return total


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


def _silent(stage: str, epoch: int, epochs: int) -> None:
    """Report nothing."""
