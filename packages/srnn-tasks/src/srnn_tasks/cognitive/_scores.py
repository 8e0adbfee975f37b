"""How well a network does a battery, task by task (facts sheet, section 9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..contract import Batch
from ._trials import DECISION


@dataclass(frozen=True)
class Scores:
    """Counts by slot, `(slots,)` each: of decision steps, of whole trials, of steps before the decision.

    `withheld` counts the decision steps of trials without an answer: what a network that always fixates gets right.
    """

    steps: Tensor
    right: Tensor
    withheld: Tensor
    trials: Tensor
    right_trials: Tensor
    before: Tensor
    right_before: Tensor

    def plus(self, other: Scores) -> Scores:
        """Return the counts of both."""
        return Scores(**{name: held + getattr(other, name) for name, held in vars(self).items()})

    def by_slot(self) -> dict[str, Tensor]:
        """Return the shares `(slots,)`: NaN where nothing was counted.

        decision_accuracy: of decision steps that are right; trial_accuracy: of trials right at all of them;
        fixation_accuracy: of steps before that are right; always_fixate: of decision steps that belong to trials
        without an answer, which is the decision_accuracy of a network that never answers (where
        `Conventions.wrap` is "action", that gets one answer in R more right: those that are called "fixate").
        """
        return {
            "decision_accuracy": self.right / self.steps,
            "trial_accuracy": self.right_trials / self.trials,
            "fixation_accuracy": self.right_before / self.before,
            "always_fixate": self.withheld / self.steps,
        }


def score(outputs: Tensor, batch: Batch, slots: int) -> Scores:
    """Count what outputs `(T, B, O)` get right. A trial that the batch cuts off is no whole one."""
    info: Mapping[str, Tensor] = batch.info
    right = outputs.argmax(-1) == batch.targets  # (T, B)
    decision, before = info["period"] == DECISION, info["period"] < DECISION
    errors = torch.zeros(batch.size, batch.steps, dtype=torch.int64, device=outputs.device)  # (B, trials)
    errors.scatter_add_(1, info["trial"].T, (decision & ~right).T.long())
    last = decision & (info["left"] == 0)  # a whole trial ends here
    flawless = errors.gather(1, info["trial"].T).T == 0

    def count(chosen: Tensor) -> Tensor:
        held = torch.zeros(slots, dtype=torch.float64, device=outputs.device)
        return held.index_add_(0, info["task"].flatten(), chosen.flatten().double())

    return Scores(
        steps=count(decision),
        right=count(decision & right),
        withheld=count(decision & ~info["respond"]),
        trials=count(last),
        right_trials=count(last & flawless),
        before=count(before),
        right_before=count(before & right),
    )
