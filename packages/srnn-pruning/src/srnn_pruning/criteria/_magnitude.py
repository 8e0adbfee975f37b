"""Magnitude pruning."""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from ._criterion import Criterion


class Magnitude(Criterion):
    """Keeps the weights of largest |w| (arXiv 2406.06290).

    >>> Magnitude().scores({"w": torch.tensor([[-3.0, 1.0]])})
    {'w': tensor([[3., 1.]])}
    """

    kind: Literal["magnitude"] = "magnitude"

    def scores(
        self, parameters: Mapping[str, Tensor], *, generator: torch.Generator | None = None, **evidence: Any
    ) -> dict[str, Tensor]:
        """Return |w| of each entry; nothing is drawn."""
        return {name: parameter.detach().abs() for name, parameter in parameters.items()}
