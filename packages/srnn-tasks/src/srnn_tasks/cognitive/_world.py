"""What all trials of an opened battery share: steps, ring, choices, and how their parts are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from ._conventions import Choices
from ._timing import Timing


@dataclass(frozen=True)
class World:
    """dt in milliseconds, R directions on a ring, the choices, and the sets that strengths are drawn from.

    sigma: of the input noise, whose standard deviation a step is sigma / sqrt(dt).
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
        """Return how many whole units of time so many steps last."""
        return steps * self.dt // self.timing.unit

    def integers(self, n: int, high: int, *, generator: torch.Generator) -> Tensor:
        """Draw whole numbers from 0 to high - 1, `(n,)`."""
        return torch.randint(high, (n,), generator=generator, device=self.device)

    def coin(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Draw bools `(n,)`."""
        return self.integers(n, 2, generator=generator).bool()

    def durations(self, spans: Tensor, *, generator: torch.Generator) -> Tensor:
        """Draw durations, uniform within spans `(..., 2)`, float64 milliseconds; return their whole steps `(...)`."""
        low, high = spans.unbind(-1)
        share = torch.rand(low.shape, generator=generator, device=self.device, dtype=torch.float64)
        return torch.floor((low + (high - low) * share) / self.dt).long()

    def table(self, values: tuple[object, ...]) -> Tensor:
        """Return a table of numbers on the device, the same tensor each time: not to be written to."""
        return _table(values, self.device)


@lru_cache(maxsize=256)
def _table(values: tuple[object, ...], device: torch.device) -> Tensor:
    return torch.tensor(values, device=device)
