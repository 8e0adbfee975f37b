"""A mask drawn from a manifold before training: the pairs with the smallest coefficients of a regularizer."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from .._errors import ManifoldError
from .._value import Value
from ._moduli import Moduli


class Cheapest(Value):
    """The share `density` of entries with the smallest coefficients, with the methods of a pattern of srnn-masks.

    Each gate draws points as `base.build` does, and keeps exactly `round(density * entries)` of its own entries. Among
    equal coefficients, the first by row, then column are kept.

    >>> mask = Cheapest(base=Moduli(), density=0.1).mask(1200, 400, gates=3, generator=torch.Generator().manual_seed(0))
    >>> tuple(mask.shape), mask.reshape(3, -1).sum(dim=1)
    ((1200, 400), tensor([16000, 16000, 16000]))
    """

    kind: Literal["cheapest"] = "cheapest"
    base: Moduli
    density: Annotated[float, Field(ge=0, le=1)]

    def mask(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Return a bool mask `(rows, cols)` on the generator's device; row = target, column = source.

        Gates are stacked as in torch. If rows = gates * cols, the columns are the neurons of the rows; otherwise they
        are another population, whose points are drawn after those of the rows.

        Raises ManifoldError for sizes that do not fit, or without a generator.
        """
        for name, value in (("rows", rows), ("cols", cols), ("gates", gates)):
            if value < 1:
                raise ManifoldError(f"Cheapest: expected {name} >= 1, got {name}={value}")
        if rows % gates:
            raise ManifoldError(f"Cheapest: expected rows to be a multiple of gates={gates}, got rows={rows}")
        if generator is None:
            raise ManifoldError("Cheapest: expected generator=torch.Generator() for a random draw, got generator=None")
        neurons = rows // gates
        sources = None if neurons == cols else cols
        points, source_points = self.base.draw(neurons, gates=gates, sources=sources, generator=generator)
        columns = [None] * gates if source_points is None else source_points
        count = round(self.density * neurons * cols)
        mask = torch.zeros(gates, neurons * cols, dtype=torch.bool, device=generator.device)
        for gate_mask, gate_points, gate_sources in zip(mask, points, columns, strict=True):
            costs = self.base.coefficients(gate_points, gate_sources).flatten()  # (N * cols,)
            gate_mask[costs.argsort(stable=True)[:count]] = True
        return mask.reshape(rows, cols)

    def indices(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Return int64 indices `(2, E)`, (target, source): equal to `mask(...).nonzero().T` for the same seed."""
        return self.mask(rows, cols, gates=gates, generator=generator).nonzero().T.contiguous()
