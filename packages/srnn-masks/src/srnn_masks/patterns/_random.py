"""Random masks: fixed in-degree, exact number of entries, and independent entries (G(n, p)).

Each gate gets an independent draw, in order, from the one generator. Indices are drawn directly, not the dense matrix.
"""

from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeInt
from torch import Tensor

from .._errors import MaskError
from ._draw import distinct, require_generator
from ._shape import rows_per_gate
from ._value import Value

Density = Annotated[float, Field(ge=0, le=1)]


class RandomPattern(Value):
    """Base of the random patterns: a subclass draws indices, and the mask is made from them."""

    def indices(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Return int64 indices `(2, E)`, (target, source): equal to `mask(...).nonzero().T` for the same seed."""
        raise NotImplementedError

    def mask(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Return a bool mask `(rows, cols)` on the generator's device."""
        return _scatter(self.indices(rows, cols, gates=gates, generator=generator), rows, cols)


class FixedInDegree(RandomPattern):
    """Exactly `degree` sources per row, uniform without replacement: the control of a locality mask.

    With `self_connections=False` the diagonal of each gate is empty; each gate must then be square.

    >>> g = torch.Generator().manual_seed(0)
    >>> FixedInDegree(degree=49).mask(1200, 400, gates=3, generator=g).sum(dim=1).unique()
    tensor([49])
    """

    kind: Literal["fixed_in_degree"] = "fixed_in_degree"
    degree: NonNegativeInt
    self_connections: bool = True

    def indices(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Return int64 indices `(2, E)`, (target, source): equal to `mask(...).nonzero().T` for the same seed."""
        gate_rows = rows_per_gate("FixedInDegree", rows, cols, gates)
        if not self.self_connections and gate_rows != cols:
            expected = f"expected rows / gates = cols = {cols}"
            raise MaskError(f"FixedInDegree: self_connections=False {expected}, got rows / gates = {gate_rows}")
        population = cols if self.self_connections else cols - 1
        if self.degree > population:
            raise MaskError(f"FixedInDegree: expected degree <= {population} for cols={cols}, got {self.degree}")
        generator = require_generator(generator, "FixedInDegree")
        target = torch.arange(rows, device=generator.device)[:, None]  # (rows, 1)
        draws = [distinct(gate_rows, population, self.degree, generator=generator) for _ in range(gates)]
        source = torch.cat(draws)  # (rows, degree)
        if not self.self_connections:
            source = source + (source >= target % cols)  # skip the diagonal; the order stays
        return torch.stack([target.expand_as(source).reshape(-1), source.reshape(-1)])  # (2, E)


class UniformRandom(RandomPattern):
    """Exactly `round(density * rows * cols)` entries, uniform over all sets of that size in each gate.

    The count holds for the whole stacked matrix. It is divided evenly among the gates, and the first gates take the
    remainder, so two gates differ by at most one entry.

    >>> g = torch.Generator().manual_seed(0)
    >>> UniformRandom(density=0.1).mask(1200, 400, gates=3, generator=g).sum()
    tensor(48000)
    """

    kind: Literal["uniform_random"] = "uniform_random"
    density: Density

    def indices(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Return int64 indices `(2, E)`, (target, source): equal to `mask(...).nonzero().T` for the same seed."""
        gate_rows = rows_per_gate("UniformRandom", rows, cols, gates)
        generator = require_generator(generator, "UniformRandom")
        share, remainder = divmod(round(self.density * rows * cols), gates)
        counts = [share + (gate < remainder) for gate in range(gates)]
        draws = [_entries(count, gate_rows, cols, generator=generator) for count in counts]
        return _stack(draws, gate_rows)


class Bernoulli(RandomPattern):
    """Each entry present independently with probability `density`: G(n, p) of Gilbert (1959).

    Drawn as a binomial count and a uniform set of that size, which gives the same distribution.
    """

    kind: Literal["bernoulli"] = "bernoulli"
    density: Density

    def indices(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Return int64 indices `(2, E)`, (target, source): equal to `mask(...).nonzero().T` for the same seed."""
        gate_rows = rows_per_gate("Bernoulli", rows, cols, gates)
        generator = require_generator(generator, "Bernoulli")
        trials = torch.tensor(gate_rows * cols, dtype=torch.float64, device=generator.device)
        probability = torch.full_like(trials, self.density)
        draws = []
        for _ in range(gates):
            count = int(torch.binomial(trials, probability, generator=generator))
            draws.append(_entries(count, gate_rows, cols, generator=generator))
        return _stack(draws, gate_rows)


def _entries(count: int, rows: int, cols: int, *, generator: torch.Generator) -> Tensor:
    """Draw `count` entries of one gate, uniform without replacement: int64 `(2, count)`, row by row."""
    entry = distinct(1, rows * cols, count, generator=generator)[0]  # (count,)
    return torch.stack([entry // cols, entry % cols])


def _stack(gates: list[Tensor], rows: int) -> Tensor:
    """Concatenate the indices of gates of `rows` rows each, shifting the rows of gate g by `g * rows`."""
    for gate, indices in enumerate(gates):
        indices[0] += gate * rows
    return torch.cat(gates, dim=1)


def _scatter(indices: Tensor, rows: int, cols: int) -> Tensor:
    mask = torch.zeros(rows, cols, dtype=torch.bool, device=indices.device)
    mask[indices[0], indices[1]] = True
    return mask
