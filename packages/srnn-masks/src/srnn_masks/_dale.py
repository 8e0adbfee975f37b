"""Dale's law: a unit excites all that it reaches, or inhibits all. So a column of a weight has one sign."""

from typing import Literal

import torch
from torch import Tensor

from ._draw import distinct, require
from ._random import Density
from ._value import Value


class Dale(Value):
    """A share of excitatory units, at random places; the others are inhibitory.

    >>> g = torch.Generator().manual_seed(0)
    >>> Dale(excitatory=0.8).signs(400, generator=g).sum()  # 320 excite, 80 inhibit
    tensor(240.)
    """

    kind: Literal["dale"] = "dale"
    excitatory: Density = 0.8

    def signs(self, cols: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Float `(cols,)` of +1 and -1 on the generator's device: exactly `round(excitatory * cols)` times +1."""
        if cols < 1:
            raise ValueError(f"Dale: expected cols >= 1, got cols={cols}")
        generator = require(generator, "Dale")
        places = distinct(1, cols, round(self.excitatory * cols), generator=generator)[0]  # (excitatory units,)
        signs = torch.full((cols,), -1.0, device=generator.device)
        signs[places] = 1.0
        return signs
