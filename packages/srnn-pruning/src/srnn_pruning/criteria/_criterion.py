"""The base class of all criteria."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from .._errors import PruningError
from .._value import Value


class Criterion(Value):
    """Scores weights; the lowest scores are pruned first.

    `scores` gets the parameters in scope and, by keyword, the `module` they belong to and whatever `evidence` the
    caller of `prune` offers. A criterion takes the keyword arguments it needs and ignores the rest; `Magnitude` and
    `Random` need none. SNIP would be `scores(self, parameters, *, generator=None, module=None, loss=None, **evidence)`,
    with `loss` a function that runs the module on a batch, and raise without it. So a new criterion changes no existing
    one, and a training loop can offer everything to all of them.
    """

    draws: ClassVar[bool] = False  # whether scores are random, so that a missing generator is noticed at once

    def scores(
        self, parameters: Mapping[str, Tensor], *, generator: torch.Generator | None = None, **evidence: Any
    ) -> dict[str, Tensor]:
        """Return one score per entry, of each parameter's shape and device; the highest are kept."""
        raise NotImplementedError

    def check_generator(self, generator: torch.Generator | None) -> None:
        """Raise PruningError if the criterion draws at random and there is no generator."""
        if self.draws and generator is None:
            raise PruningError(
                f"generator: {type(self).__name__} draws at random, expected a torch.Generator, got None"
            )
