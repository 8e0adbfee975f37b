"""Random masks: a fixed in-degree, an exact number of entries, and the independent entries of G(n, p).

Each gate gets its own independent draw, gate after gate from the one generator. All draw indices, never the matrix.
"""

from typing import Annotated, Literal

import torch
from pydantic import Field, NonNegativeInt
from torch import Tensor

from ._draw import distinct, require
from ._shape import rows_per_gate
from ._value import Value

Density = Annotated[float, Field(ge=0, le=1)]


class Drawn(Value):
    """What the random patterns share: they draw indices, and the mask is made of those."""

    def indices(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Int64 `(2, E)`, (target, source), as `mask(...).nonzero().T` gives it with the same seed."""
        raise NotImplementedError

    def mask(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Bool `(rows, cols)` on the generator's device."""
        return _scatter(self.indices(rows, cols, gates=gates, generator=generator), rows, cols)


class FixedInDegree(Drawn):
    """Every row holds exactly `degree` sources, uniform without replacement: the control of a locality mask.

    Without `self_connections` no unit hears itself; each gate must then be square.

    >>> g = torch.Generator().manual_seed(0)
    >>> FixedInDegree(degree=49).mask(1200, 400, gates=3, generator=g).sum(dim=1).unique()
    tensor([49])
    """

    kind: Literal["fixed_in_degree"] = "fixed_in_degree"
    degree: NonNegativeInt
    self_connections: bool = True

    def indices(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Int64 `(2, E)`, (target, source), as `mask(...).nonzero().T` gives it with the same seed."""
        each = rows_per_gate("FixedInDegree", rows, cols, gates)
        if not self.self_connections and each != cols:
            expected = f"rows / gates = cols = {cols}"
            raise ValueError(f"FixedInDegree: self_connections=False expected {expected}, got rows / gates = {each}")
        population = cols if self.self_connections else cols - 1
        if self.degree > population:
            raise ValueError(f"FixedInDegree: expected degree <= {population} for cols={cols}, got {self.degree}")
        generator = require(generator, "FixedInDegree")
        target = torch.arange(rows, device=generator.device)[:, None]  # (rows, 1)
        draws = [distinct(each, population, self.degree, generator=generator) for _ in range(gates)]
        source = torch.cat(draws)  # (rows, degree)
        if not self.self_connections:
            source = source + (source >= target % cols)  # skip the unit itself; the order stays
        return torch.stack([target.expand_as(source).reshape(-1), source.reshape(-1)])  # (2, E)


class UniformRandom(Drawn):
    """Exactly `round(density * rows * cols)` entries, uniform over all sets of that size in each gate.

    The count holds for the whole stacked matrix; the gates share it evenly, the first ones taking what is left over,
    so that two gates differ by one entry at most.

    >>> g = torch.Generator().manual_seed(0)
    >>> UniformRandom(density=0.1).mask(1200, 400, gates=3, generator=g).sum()
    tensor(48000)
    """

    kind: Literal["uniform_random"] = "uniform_random"
    density: Density

    def indices(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Int64 `(2, E)`, (target, source), as `mask(...).nonzero().T` gives it with the same seed."""
        each = rows_per_gate("UniformRandom", rows, cols, gates)
        generator = require(generator, "UniformRandom")
        share, left = divmod(round(self.density * rows * cols), gates)
        counts = [share + (gate < left) for gate in range(gates)]
        draws = [_entries(count, each, cols, generator=generator) for count in counts]
        return _stack(draws, each)


class Bernoulli(Drawn):
    """Every entry is present with probability `density`, independently: G(n, p) of Gilbert, 1959.

    Drawn as its binomial count and a uniform set of that size, which is the same distribution.
    """

    kind: Literal["bernoulli"] = "bernoulli"
    density: Density

    def indices(self, rows: int, cols: int, *, gates: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Int64 `(2, E)`, (target, source), as `mask(...).nonzero().T` gives it with the same seed."""
        each = rows_per_gate("Bernoulli", rows, cols, gates)
        generator = require(generator, "Bernoulli")
        trials = torch.tensor(each * cols, dtype=torch.float64, device=generator.device)
        chance = torch.full_like(trials, self.density)
        draws = []
        for _ in range(gates):
            count = int(torch.binomial(trials, chance, generator=generator))
            draws.append(_entries(count, each, cols, generator=generator))
        return _stack(draws, each)


def _entries(count: int, rows: int, cols: int, *, generator: torch.Generator) -> Tensor:
    """`count` entries of one gate, uniform without replacement: int64 `(2, count)`, row by row."""
    entry = distinct(1, rows * cols, count, generator=generator)[0]  # (count,)
    return torch.stack([entry // cols, entry % cols])


def _stack(gates: list[Tensor], rows: int) -> Tensor:
    """The indices of gates of `rows` rows each, one above the other: int64 `(2, E)`."""
    for gate, indices in enumerate(gates):
        indices[0] += gate * rows
    return torch.cat(gates, dim=1)


def _scatter(indices: Tensor, rows: int, cols: int) -> Tensor:
    mask = torch.zeros(rows, cols, dtype=torch.bool, device=indices.device)
    mask[indices[0], indices[1]] = True
    return mask
