"""What all trials of an opened battery share: time step, ring, conventions, and elementary random draws."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from ._conventions import Choices
from ._timing import Timing


@dataclass(frozen=True)
class World:
    """The settings of a battery: one attribute for each field of `Cognitive` that concerns a single trial.

    dt: milliseconds per step. ring: R, the number of directions. coherences, strengths: the sets that strengths are
    drawn from. sigma: the input noise has standard deviation sigma / sqrt(dt) per step.
    """

    dt: int
    ring: int
    timing: Timing
    conventions: Choices
    coherences: tuple[float, ...]
    strengths: tuple[float, ...]
    sigma: float
    device: torch.device

    def units(self, steps: Tensor) -> Tensor:
        """Return the number of whole units of time in `steps`."""
        return steps * self.dt // self.timing.unit

    def integers(self, n: int, high: int, *, generator: torch.Generator) -> Tensor:
        """Draw integers from 0 to high - 1, `(n,)`."""
        return torch.randint(high, (n,), generator=generator, device=self.device)

    def coin(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw bools `(n,)`."""
        return self.integers(n, 2, generator=generator).bool()

    def durations(self, spans: Tensor, *, generator: torch.Generator) -> Tensor:
        """Draw durations uniformly within spans `(..., 2)`, float64 milliseconds; return their whole steps `(...)`."""
        low, high = spans.unbind(-1)
        fraction = torch.rand(low.shape, generator=generator, device=self.device, dtype=torch.float64)
        return torch.floor((low + (high - low) * fraction) / self.dt).long()

    def table(self, values: tuple[object, ...]) -> Tensor:
        """Return a table of numbers on the device. The tensor is cached and must not be written to."""
        return _table(values, self.device)


@lru_cache(maxsize=256)
def _table(values: tuple[object, ...], device: torch.device) -> Tensor:
    table = torch.tensor(values, device=device)
    return table.float() if table.is_floating_point() else table
