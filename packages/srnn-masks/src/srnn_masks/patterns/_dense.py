"""The dense mask, so that a dense column of a table is written like the sparse ones."""

from typing import Literal

import torch
from torch import Tensor

from ._shape import rows_per_gate
from ._value import Value


class Dense(Value):
    """All entries present; nothing is random."""

    kind: Literal["dense"] = "dense"

    def mask(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Return a bool mask `(rows, cols)`. `generator` only sets the device."""
        rows_per_gate("Dense", rows, cols, gates)
        return torch.ones(rows, cols, dtype=torch.bool, device=None if generator is None else generator.device)

    def indices(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Return int64 indices `(2, rows * cols)`, (target, source): equal to `mask(...).nonzero().T`."""
        rows_per_gate("Dense", rows, cols, gates)
        entry = torch.arange(rows * cols, device=None if generator is None else generator.device)
        return torch.stack([entry // cols, entry % cols])
