"""Uniform draws without replacement, in memory that grows with what is drawn and not with what it is drawn from."""

import torch
from torch import Tensor

_RANGE = 2**63 - 1  # randint takes its draw modulo the bound: a wide draw first keeps that bias below 1e-10


def require(generator: torch.Generator | None, pattern: str) -> torch.Generator:
    """The generator, or a ValueError: a random draw is never taken from torch's global generator."""
    if generator is None:
        raise ValueError(f"{pattern}: expected generator=torch.Generator() for a random draw, got generator=None")
    return generator


def distinct(rows: int, population: int, count: int, *, generator: torch.Generator) -> Tensor:
    """`count` of the numbers 0 to population - 1 in each row, uniform without replacement.

    Returns int64 `(rows, count)` on the generator's device, ascending in each row. A sparse draw (at most one in
    eight) repeats only what came up twice: what a row keeps are the first distinct values of an endless fair
    sequence, so it is exactly uniform, in O(rows * count) memory. A dense draw sorts noise.
    """
    if not count:
        return torch.empty(rows, 0, dtype=torch.int64, device=generator.device)
    if 8 * count > population:
        noise = torch.rand(rows, population, dtype=torch.float64, device=generator.device, generator=generator)
        return noise.argsort(dim=1)[:, :count].sort(dim=1).values
    drawn = _integers(population, (rows, count), generator=generator).sort(dim=1).values
    again = torch.arange(rows, device=generator.device)
    while True:
        part = drawn[again]
        twice = torch.zeros_like(part, dtype=torch.bool)
        twice[:, 1:] = part[:, 1:] == part[:, :-1]
        missing = int(twice.sum())
        if not missing:
            return drawn
        part[twice] = _integers(population, (missing,), generator=generator)
        drawn[again] = part.sort(dim=1).values
        again = again[twice.any(dim=1)]


def _integers(below: int, shape: tuple[int, ...], *, generator: torch.Generator) -> Tensor:
    return torch.randint(_RANGE, shape, device=generator.device, generator=generator) % below
