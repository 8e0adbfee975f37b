"""Pruning on a schedule, epoch by epoch (arXiv 2406.06290)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ._pruning import Pruning, prune
from ._scope import in_scope


class Pruner:
    """Prunes a module at the start of each epoch by the schedule of a `Pruning`.

    It is stateless: the masks on the module record what has been pruned, so a run that is loaded with its masks
    continues where it was. Scope, schedule and generator are checked on construction, not at the first epoch that
    prunes.
    """

    def __init__(
        self, module: nn.Module, pruning: Pruning, *, epochs: int, generator: torch.Generator | None = None
    ) -> None:
        in_scope(module, pruning.scope)
        pruning.schedule.fraction(epochs, epochs, pruning.sparsity)
        pruning.criterion.check_generator(generator)
        self.module, self.pruning, self.epochs, self.generator = module, pruning, epochs, generator

    def step(self, epoch: int, *, evidence: Mapping[str, Any] | None = None) -> dict[str, Tensor]:
        """Prune for epoch 1 to `epochs`; call it at the start of the epoch. Returns the masks, as `prune` does."""
        fraction = self.pruning.schedule.fraction(epoch, self.epochs, self.pruning.sparsity)
        return prune(self.module, self.pruning, fraction=fraction, generator=self.generator, evidence=evidence)
