"""The parts of a run, assembled from an experiment and a seed: task, model, masks, penalties, plans of the stages."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from srnn_pruning import snapshot
from srnn_tasks import Source

from ..experiment import Experiment
from ._initial import apply_column_signs, apply_masks, fit_initial_weights
from ._penalties import Penalties, build_penalties
from ._plans import Plan, plan_stage
from ._streams import stream


@dataclass(frozen=True)
class Parts:
    """All that one run trains.

    Args:
        seed: Seed of the run.
        source: Source of the experiment's task.
        model: The network, with its masks and signs applied.
        penalties: Penalties of the experiment.
        plans: The stages.
        original: The initial weights, if a stage rewinds to them, else empty.
        fan_in: Parameters to correct for their fan-in whenever weights are drawn.
        balanced: Parameters whose excitation and inhibition are balanced whenever weights are drawn.
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
        """Return the source that stage `number` trains and is measured on."""
        return self.plans[number].source or self.source


def assemble(experiment: Experiment, seed: int, device: torch.device) -> Parts:
    """Open the task, draw network, masks, signs and points, and check every stage, before anything is trained.

    All are drawn on the CPU, so that they are the same on every device.

    Raises:
        BenchError: For a mistake in the experiment, such as a glob that matches no parameter.
    """
    source = experiment.task.open(device=device, generator=stream(seed, "task", device=device))
    model = experiment.model.build(source.spec, generator=stream(seed, "model")).to(device)
    fan_in = apply_masks(model, experiment, seed)
    balanced = apply_column_signs(model, experiment, seed)
    fit_initial_weights(model, fan_in, balanced)
    penalties = build_penalties(model, experiment, seed).to(device)
    original = snapshot(model) if any(stage.start == "rewind" for stage in experiment.stages) else {}
    plans = []
    for stage in experiment.stages:
        fresh = None
        if stage.regularizer == "fresh":
            fresh = build_penalties(model, experiment, seed, stage.name).to(device)
        plans.append(plan_stage(stage, seed, device, model=model, source=source, penalties=penalties, fresh=fresh))
    return Parts(seed, source, model, penalties, tuple(plans), original, fan_in, balanced)
