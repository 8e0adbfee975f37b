"""The spec of a mixture of cognitive tasks, and the codes of its rule inputs."""

from __future__ import annotations

import torch
from torch import Tensor

from ..contract import Channels, Metric, TaskSpec
from ._families import YANG
from ._layouts import Streams
from ._mixture import Mixture
from ._rule import Rule
from ._trials import PERIODS

PARTS = (*YANG, "intr", "intl", "seqr", "seql")  # in the order of their inputs


def spec_of(task: Mixture, rule_inputs: int) -> TaskSpec:
    """Return the spec of a mixture with this number of rule inputs."""
    names = ["decision_accuracy", "trial_accuracy", "fixation_accuracy"]
    if task.untrained:
        names += ["untrained_accuracy", "untrained_always_fixate"]
    labels = PARTS if task.rules == "parts" else task.names
    return TaskSpec(
        inputs=1 + 2 * task.ring + rule_inputs,
        outputs=1 + task.ring,
        carry=isinstance(task.layout, Streams),
        loss="cross_entropy",
        metrics=(
            *(Metric(name=name, better="higher") for name in names),
            Metric(name="loss", better="lower", unit="nats"),
            Metric(name="always_fixate", better="higher"),
        ),
        input_channels=(
            Channels(name="fixation", size=1),
            Channels(name="ring 1", size=task.ring),
            Channels(name="ring 2", size=task.ring),
            Channels(name="rule", size=rule_inputs, labels=labels),
        ),
        output_channels=(Channels(name="fixate", size=1), Channels(name="direction", size=task.ring)),
        periods=PERIODS,
    )


def rule_codes(rules: list[Rule], kind: str) -> tuple[Tensor, int]:
    """Return the indices of the rule inputs that are on for each slot, `(slots, parts)`, and the number of rule inputs.

    For "parts", a task with fewer than three parts repeats its first one.
    """
    if kind == "one_hot":
        return torch.arange(len(rules), device="cpu")[:, None], len(rules)
    parts = [(rule.parts + 2 * rule.parts[:1])[:3] for rule in rules]
    return torch.tensor([[PARTS.index(part) for part in each] for each in parts], device="cpu"), len(PARTS)
