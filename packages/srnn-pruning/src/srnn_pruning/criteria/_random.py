"""Random pruning."""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from ._criterion import Criterion


class Random(Criterion):
    """Keeps weights at random, all equally likely: the control of every other criterion."""

    kind: Literal["random"] = "random"

    @property
    def draws(self) -> bool:
        """True: the scores are random numbers."""
        return True

    def scores(
        self, parameters: Mapping[str, Tensor], *, generator: torch.Generator | None = None, **evidence: Any
    ) -> dict[str, Tensor]:
        """Return U(0, 1) for each entry, drawn on `generator.device` in the order of the parameters.

        Raises PruningError without a generator.
        """
        self.check_generator(generator)
        assert generator is not None
        return {
            name: torch.rand(parameter.shape, generator=generator, device=generator.device).to(parameter.device)
            for name, parameter in parameters.items()
        }
