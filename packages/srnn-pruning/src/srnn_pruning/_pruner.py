"""Pruning on a schedule, epoch by epoch (arXiv 2406.06290)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ._errors import PruningError
from ._groups import groups
from ._pruning import Pruning, prune
from ._scope import in_scope


class Pruner:
    """Prunes a module at the start of each epoch by the schedule of a `Pruning`.

    The masks on the module record what has been pruned; the pruner itself has the number of the last epoch, `epoch`
    (0 before the first step), and the generator. To continue a run, load the module with its masks and the pruner with
    `load_state_dict`. Scope, ranking, schedule and generator are checked on construction, not at the first epoch that
    prunes; evidence, which each step may bring anew, at each step.
    """

    def __init__(
        self, module: nn.Module, pruning: Pruning, *, epochs: int, generator: torch.Generator | None = None
    ) -> None:
        groups(module, in_scope(module, pruning.scope), pruning.ranking)
        pruning.schedule.fraction(epochs, epochs, pruning.sparsity)
        pruning.criterion.check_generator(generator)
        self.module, self.pruning, self.epochs, self.generator = module, pruning, epochs, generator
        self.epoch = 0

    def step(self, epoch: int | None = None, *, evidence: Mapping[str, Any] | None = None) -> dict[str, Tensor]:
        """Prune for epoch 1 to `epochs` (default: the one after the last); call it at the start of the epoch.

        Returns the masks, as `prune` does. Raises PruningError, before anything is drawn or changed, if the criterion
        wants evidence that is missing, also at an epoch at which nothing is pruned.
        """
        epoch = self.epoch + 1 if epoch is None else epoch
        fraction = self.pruning.schedule.fraction(epoch, self.epochs, self.pruning.sparsity)
        masks = prune(self.module, self.pruning, fraction=fraction, generator=self.generator, evidence=evidence)
        self.epoch = epoch
        return masks

    def state_dict(self) -> dict[str, Any]:
        """Return the last epoch, the number of epochs, the pruning as JSON text, and the state of the generator.

        The last is None without a generator. The masks are in the state of the module.
        """
        generator = None if self.generator is None else self.generator.get_state()
        return {"epoch": self.epoch, "generator": generator, **self._identity()}

    def _identity(self) -> dict[str, Any]:
        """Return what the pruner that continues a run must share with the one that began it."""
        return {"epochs": self.epochs, "pruning": self.pruning.model_dump_json()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned.

        Raises PruningError, before anything is changed, if the keys are others, the state is that of a run of another
        number of epochs or another pruning, the epoch is none of this pruner's, or only one of state and pruner has a
        generator.
        """
        keys = ["epoch", "epochs", "generator", "pruning"]
        if state.keys() != set(keys):
            raise PruningError(f"load_state_dict: expected the keys {', '.join(keys)}, got {sorted(state)}")
        for key, expected in self._identity().items():
            if state[key] != expected:
                raise PruningError(f"load_state_dict: expected {key} of this pruner, {expected}, got {state[key]}")
        epoch, generator = state["epoch"], state["generator"]
        if not 0 <= epoch <= self.epochs:
            raise PruningError(f"load_state_dict: expected an epoch of 0 to {self.epochs}, got {epoch}")
        if (generator is None) != (self.generator is None):
            expected, got = ("no state" if each is None else "the state" for each in (self.generator, generator))
            raise PruningError(f"load_state_dict: expected {expected} of a generator, got {got}")
        if self.generator is not None:
            self.generator.set_state(generator)
        self.epoch = epoch
