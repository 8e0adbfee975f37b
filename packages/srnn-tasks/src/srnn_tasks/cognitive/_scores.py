"""Scores of a network on a battery, by task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..contract import Batch
from ._trials import DECISION


@dataclass(frozen=True)
class Scores:
    """Counts by slot, `(slots,)` each.

    steps, right: decision steps, and those that are correct. withheld: decision steps of trials without an answer,
    which a network that always fixates gets right. trials, right_trials: complete trials, and those with every decision
    step correct. before, right_before: steps before the decision, and those that are correct.
    """

    steps: Tensor
    right: Tensor
    withheld: Tensor
    trials: Tensor
    right_trials: Tensor
    before: Tensor
    right_before: Tensor

    def plus(self, other: Scores) -> Scores:
        """Return the sums of the counts of both."""
        return Scores(**{name: counted + getattr(other, name) for name, counted in vars(self).items()})

    def by_slot(self) -> dict[str, Tensor]:
        """Return fractions `(slots,)`, NaN where nothing was counted.

        decision_accuracy: of decision steps that are correct. trial_accuracy: of complete trials with every decision
        step correct. fixation_accuracy: of steps before the decision that are correct. always_fixate: of decision steps
        that belong to trials without an answer. This is the decision_accuracy of a network that never answers, except
        where `Conventions.wrap` is "action": there one answer in R is "fixate", which such a network gets right too.
        """
        return {
            "decision_accuracy": self.right / self.steps,
            "trial_accuracy": self.right_trials / self.trials,
            "fixation_accuracy": self.right_before / self.before,
            "always_fixate": self.withheld / self.steps,
        }


def score(outputs: Tensor, batch: Batch, slots: int) -> Scores:
    """Count the correct steps and trials of outputs `(T, B, O)`. A trial that the batch cuts off is not complete."""
    info: Mapping[str, Tensor] = batch.info
    right = outputs.argmax(-1) == batch.targets  # (T, B)
    decision, before = info["period"] == DECISION, info["period"] < DECISION
    errors = torch.zeros(batch.size, batch.steps, dtype=torch.int64, device=outputs.device)  # (B, trials)
    errors.scatter_add_(1, info["trial"].T, (decision & ~right).T.long())
    last = decision & (info["left"] == 0)  # the last step of a complete trial
    flawless = errors.gather(1, info["trial"].T).T == 0

    def count(chosen: Tensor) -> Tensor:
        total = torch.zeros(slots, dtype=torch.float64, device=outputs.device)
        return total.index_add_(0, info["task"].flatten(), chosen.flatten().double())

    return Scores(
        steps=count(decision),
        right=count(decision & right),
        withheld=count(decision & ~info["respond"]),
        trials=count(last),
        right_trials=count(last & flawless),
        before=count(before),
        right_before=count(before & right),
    )
