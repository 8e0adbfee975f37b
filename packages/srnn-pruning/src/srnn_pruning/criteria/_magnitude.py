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
        return {name: _magnitude(parameter.detach()) for name, parameter in parameters.items()}


def _magnitude(weight: Tensor) -> Tensor:
    """Return |w|, in a wider dtype where torch has no arithmetic (float8), and for integers, whose |-128| overflows."""
    if weight.dtype is torch.complex32:
        weight = weight.to(torch.complex64)
    elif not weight.is_floating_point() and not weight.is_complex():
        weight = weight.double()
    elif weight.dtype.itemsize == 1:
        weight = weight.float()
    return weight.abs()
