"""Uniform draws without replacement, in memory proportional to what is drawn, not to the population."""

import torch
from torch import Tensor

from .._errors import MaskError

_RANGE = 2**63 - 1  # randint reduces modulo its bound; drawing wide and reducing here keeps that bias below 1e-10


def require_generator(generator: torch.Generator | None, pattern: str) -> torch.Generator:
    """Return the generator, or raise MaskError if it is None: torch's global generator is never used."""
    if generator is None:
        raise MaskError(f"{pattern}: expected generator=torch.Generator() for a random draw, got generator=None")
    return generator


def distinct(rows: int, population: int, count: int, *, generator: torch.Generator) -> Tensor:
    """Draw `count` distinct numbers from 0 to population - 1 for each row, uniform without replacement.

    Returns int64 `(rows, count)` on the generator's device, ascending in each row. A sparse draw (at most one in
    eight) redraws only duplicates: each row holds the first distinct values of an infinite uniform sequence, so it is
    exactly uniform, in O(rows * count) memory. A dense draw sorts noise.
    """
    if not count:
        return torch.empty(rows, 0, dtype=torch.int64, device=generator.device)
    if 8 * count > population:
        noise = torch.rand(rows, population, dtype=torch.float64, device=generator.device, generator=generator)
        return noise.argsort(dim=1)[:, :count].sort(dim=1).values
    drawn = _integers(population, (rows, count), generator=generator).sort(dim=1).values
    unfinished = torch.arange(rows, device=generator.device)  # rows that may hold duplicates
    while True:
        part = drawn[unfinished]
        duplicate = torch.zeros_like(part, dtype=torch.bool)
        duplicate[:, 1:] = part[:, 1:] == part[:, :-1]
        missing = int(duplicate.sum())
        if not missing:
            return drawn
        part[duplicate] = _integers(population, (missing,), generator=generator)
        drawn[unfinished] = part.sort(dim=1).values
        unfinished = unfinished[duplicate.any(dim=1)]


def _integers(below: int, shape: tuple[int, ...], *, generator: torch.Generator) -> Tensor:
    return torch.randint(_RANGE, shape, device=generator.device, generator=generator) % below
