"""One run: an experiment and a seed become a result."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from srnn_masks import apply
from srnn_pruning import reinitialize, rewind, snapshot

from ._environment import conditions, describe, resolve_device
from ._experiment import Experiment
from ._result import Result, StageResult
from ._streams import stream
from ._train import Diverged, plan, train

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
    glob that matches no parameter, raises ValueError before anything is trained. An error after a stage was finished
    ends as a failed result that keeps what was finished.
    """
    where = resolve_device(device)
    begin = time.perf_counter()
    finished: list[StageResult] = []
    status: Literal["done", "diverged", "failed"] = "done"
    reason = None
    with conditions(where, precision, threads):
        try:
            for stage in _stages(experiment, seed, where, progress or _silent):
                finished.append(stage)
        except Diverged as error:
            status, reason = "diverged", str(error)
        except Exception as error:
            if not finished:
                raise
            status, reason = "failed", explain(error)
    return Result(
        key=experiment.key(seed),
        experiment=experiment,
        seed=seed,
        status=status,
        reason=reason,
        stages=tuple(finished),
        environment=describe(experiment.task.kind, where, precision, threads),
        seconds=time.perf_counter() - begin,
    )


def explain(error: BaseException) -> str:
    """Say in a line what went wrong and where."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"


def _stages(experiment: Experiment, seed: int, device: torch.device, progress: Progress) -> Iterator[StageResult]:
    source = experiment.task.open(device=device, generator=stream(seed, "task", device=device))
    # Weights, masks and embeddings are drawn on the CPU, so that they are the same on every device.
    model = experiment.model.build(source.spec, generator=stream(seed, "model")).to(device)
    _wear(model, experiment, seed)
    penalty = _penalties(model, experiment, seed, device)
    original = snapshot(model) if any(stage.start == "rewind" for stage in experiment.stages) else {}
    plans = [plan(model, source, stage, seed=seed, device=device) for stage in experiment.stages]
    for stage, planned in zip(experiment.stages, plans, strict=True):
        if stage.start == "reinitialize":
            reinitialize(model, generator=stream(seed, "reinitialize", stage.name))
        elif stage.start == "rewind":
            rewind(model, original)
        yield train(
            model,
            source,
            planned,
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
            if built.shape != parameter.shape:
                raise ValueError(
                    f"penalties.{number}.parameter: expected a recurrent matrix, here of shape {built.shape}, "
                    f"got {name} of shape {tuple(parameter.shape)}"
                )
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
