"""The engine of the recurrences of a model: set where masks change, recorded for each stage."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn

from srnn_masks import apply, masks
from srnn_models import accelerate

from ._matrices import matrices_of


class RecurrenceEngine:
    """How the recurrences of a model run: the engine that was asked for, see `Conditions`, and those that have run.

    With the engine "loop" the model is left as it was built, and nothing is recorded.
    """

    def __init__(self, model: nn.Module, engine: str) -> None:
        self.model, self.engine = model, engine
        self._earlier: tuple[str, ...] = ()  # that have run in this stage before the engine was last set

    @property
    def used(self) -> tuple[str, ...]:
        """The engines that have run in the current stage, in the order of their first use."""
        accelerations = [getattr(module, "acceleration", None) for module in self.model.modules()]
        now = [engine for each in accelerations if each is not None for engine in each.used]
        return tuple(dict.fromkeys((*self._earlier, *now)))

    def check(self) -> None:
        """Raise `ModelError` if the engine cannot run the model, also once all its recurrent matrices have masks."""
        if self.engine != "loop":
            masked = deepcopy(self.model)
            ones = {name: torch.ones_like(masked.get_parameter(name), dtype=torch.bool) for name in self._unmasked()}
            apply(masked, ones)
            accelerate(masked, self.engine)

    def begin_stage(self) -> None:
        """Set the engine for the masks that the model has, and forget those that have run."""
        self._set()
        self._earlier = ()

    def resume_stage(self, used: tuple[str, ...]) -> None:
        """Set the engine in the middle of a stage in which those of `used` have run."""
        self._set()
        self._earlier = used

    def masks_changed(self) -> None:
        """Set the engine for the masks that the model has now."""
        self._earlier = self.used
        self._set()

    def _set(self) -> None:
        if self.engine != "loop":
            waits = self.engine == "sparse" and self._unmasked()
            accelerate(self.model, "loop" if waits else self.engine)

    def _unmasked(self) -> list[str]:
        """Return the names of the recurrent matrices that have no mask."""
        masked = masks(self.model)
        return [name for name, matrix in matrices_of(self.model).items() if matrix.recurrent and name not in masked]
