"""Dale's law: a unit is either excitatory or inhibitory, so each column of a weight has one sign."""

from typing import Literal

import torch
from torch import Tensor

from .._errors import MaskError
from ._draw import distinct, require_generator
from ._random import Density
from ._value import Value


class Dale(Value):
    """Signs of columns: a share `excitatory` of them, at random places, is +1, the others are -1.

    >>> g = torch.Generator().manual_seed(0)
    >>> Dale(excitatory=0.8).signs(400, generator=g).sum()  # 320 excitatory, 80 inhibitory
    tensor(240.)
    """

    kind: Literal["dale"] = "dale"
    excitatory: Density = 0.8

    def signs(self, cols: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Return float `(cols,)` on the generator's device, with exactly `round(excitatory * cols)` entries of +1.

        Raises MaskError without a generator or for `cols < 1`.
        """
        if cols < 1:
            raise MaskError(f"Dale: expected cols >= 1, got cols={cols}")
        generator = require_generator(generator, "Dale")
        excitatory = distinct(1, cols, round(self.excitatory * cols), generator=generator)[0]  # column numbers
        signs = torch.full((cols,), -1.0, device=generator.device, dtype=torch.float32)
        signs[excitatory] = 1.0
        return signs
