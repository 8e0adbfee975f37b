"""The controls of the paper: shuffled coefficients, and one coefficient for all entries (L1, eq. 3)."""

from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from .._errors import ManifoldError
from .._value import Value
from ._moduli import Moduli, check_size
from ._penalty import Penalty


class Shuffled(Value):
    """The coefficients of `base` in random order over all entries of a gate, diagonal included; not symmetric.

    With the same generator, `base` and its shuffled control draw the same embedding, so their coefficients are the same
    multiset. The `points` of the penalty are those from which the coefficients were computed.

    >>> penalty = Shuffled(base=Moduli()).build(4, generator=torch.Generator().manual_seed(0))
    >>> same = Moduli().build(4, generator=torch.Generator().manual_seed(0))
    >>> torch.equal(penalty.coefficients.flatten().sort().values, same.coefficients.flatten().sort().values)
    True
    """

    kind: Literal["shuffled"] = "shuffled"
    base: Moduli

    def build(self, neurons: int, *, gates: int = 1, sources: int | None = None, generator: torch.Generator) -> Penalty:
        """Return the penalty of one weight `(gates * neurons, neurons or sources)`: draw embeddings, then orders."""
        penalty = self.base.build(neurons, gates=gates, sources=sources, generator=generator)
        blocks = torch.split(penalty.coefficients, neurons)  # gates times (N, cols)
        penalty.coefficients = torch.cat([shuffle(block, generator) for block in blocks])
        return penalty


class L1(Value):
    """One coefficient for all entries: reduction over j, k of c |w_jk|^power.

    Without `matched`, c is `coefficient`: `L1()` is mean |w|, the authors' "unit" control, 66 times weaker than the
    default `Moduli` at the same lambda. With `matched`, c is `coefficient` times the mean coefficient of the embedding
    that `matched` draws with the same generator: an L1 as strong as that regularizer. `reduction` and `power` must then
    equal those of `matched`.

    >>> round(L1(matched=Moduli()).build(500, generator=torch.Generator().manual_seed(0)).mean_coefficient())
    66
    """

    kind: Literal["l1"] = "l1"
    coefficient: Annotated[float, Field(gt=0)] = 1.0
    matched: Moduli | None = None
    reduction: Literal["mean", "sum"] = "mean"
    power: Annotated[float, Field(ge=1)] = 1.0

    @model_validator(mode="after")
    def _same_measure(self) -> Self:
        if self.matched is not None:
            for name in ("reduction", "power"):
                expected, got = getattr(self.matched, name), getattr(self, name)
                if expected != got:
                    raise ValueError(f"{name}: expected {expected!r} as in matched, got {got!r}")
        return self

    def build(
        self, neurons: int, *, gates: int = 1, sources: int | None = None, generator: torch.Generator | None = None
    ) -> Penalty:
        """Return the penalty of one weight `(gates * neurons, neurons or sources)`; its coefficient is one number `()`.

        Only `matched` draws and needs a generator, else ManifoldError is raised. The coefficient is on the generator's
        device.
        """
        check_size(neurons, gates, sources)
        coefficient = self.coefficient
        if self.matched is not None:
            if generator is None:
                raise ManifoldError(
                    "generator: L1(matched=...) draws an embedding and needs a torch.Generator, got None"
                )
            matched = self.matched.build(neurons, gates=gates, sources=sources, generator=generator)
            coefficient *= matched.mean_coefficient()
        return Penalty(
            torch.tensor(coefficient, dtype=torch.float32, device=None if generator is None else generator.device),
            shape=(gates * neurons, neurons if sources is None else sources),
            reduction=self.reduction,
            power=self.power,
        )


def shuffle(values: Tensor, generator: torch.Generator) -> Tensor:
    """Return a matrix with its entries in random order."""
    order = torch.randperm(values.numel(), generator=generator, device=generator.device)
    return values.flatten()[order].reshape(values.shape)
