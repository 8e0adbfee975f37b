"""The mask that forbids nothing, so that a dense column of a table is written like the others."""

from typing import Literal

import torch
from torch import Tensor

from ._shape import rows_per_gate
from ._value import Value


class Dense(Value):
    """Every entry is present; nothing is random."""

    kind: Literal["dense"] = "dense"

    def mask(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Bool `(rows, cols)` on the generator's device if one is given; it is not drawn from."""
        rows_per_gate("Dense", rows, cols, gates)
        return torch.ones(rows, cols, dtype=torch.bool, device=None if generator is None else generator.device)

    def indices(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Int64 `(2, rows * cols)`, (target, source), as `mask(...).nonzero().T` gives it."""
        rows_per_gate("Dense", rows, cols, gates)
        entry = torch.arange(rows * cols, device=None if generator is None else generator.device)
        return torch.stack([entry // cols, entry % cols])
