"""Distributions of initial weights, as values: uniform, normal, Glorot and He.

A parameter is a matrix (gN, C), whose rows are g gates of N neurons each, or a bias (gN,). The fans are those of one
gate: each gate is a matrix (N, C) of its own, with fan_in C and fan_out N. `GlorotStacked` alone counts all gN rows.
The values of the edges of a sparse matrix have the distribution of the entries of the dense one, with its fans.
"""

import math
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, NonNegativeFloat, model_validator
from torch import Tensor

from ._draw import normal_, uniform_
from ._value import Value


class Initialization(Value):
    """A distribution from which the weights of one layer are drawn; its biases are 0."""

    def fill_(
        self,
        parameter: Tensor,
        *,
        hidden: int,
        gates: int = 1,
        shape: tuple[int, int] | None = None,
        generator: torch.Generator,
    ) -> None:
        """Draw a parameter in place.

        parameter: a matrix (gN, C), the values (E,) of its edges, or a bias (gN,), g = `gates`. hidden: N of a
        recurrent layer; of a read-out, the size of the h that it reads. shape: (gN, C) if the parameter is values of
        edges.
        """
        if shape is None and parameter.dim() == 1:
            with torch.no_grad():
                parameter.zero_()
        else:
            rows, columns = parameter.shape if shape is None else shape
            self._draw_(parameter, rows, columns, gates, generator)

    def _draw_(self, weight: Tensor, rows: int, columns: int, gates: int, generator: torch.Generator) -> None:
        """Draw a matrix (rows, columns), or the values of its edges, in place."""
        raise NotImplementedError


class TorchUniform(Initialization):
    """U(+-1/sqrt(N)) for weights and biases alike, as in torch's recurrent layers. N: `hidden`."""

    kind: Literal["torch_uniform"] = "torch_uniform"

    def fill_(
        self,
        parameter: Tensor,
        *,
        hidden: int,
        gates: int = 1,
        shape: tuple[int, int] | None = None,
        generator: torch.Generator,
    ) -> None:
        """Draw a matrix, values of edges or a bias in place from U(+-1/sqrt(hidden))."""
        bound = 1 / math.sqrt(hidden)
        uniform_(parameter, -bound, bound, generator=generator)


class Normal(Initialization):
    """A normal distribution with standard deviation `sd`, whatever the size of the layer; biases 0.

    >>> Normal(sd=0.1)
    Normal(kind='normal', sd=0.1, mean=0.0)
    """

    kind: Literal["normal"] = "normal"
    sd: NonNegativeFloat
    mean: float = 0.0

    def _draw_(self, weight: Tensor, rows: int, columns: int, gates: int, generator: torch.Generator) -> None:
        normal_(weight, self.mean, self.sd, generator=generator)


class Uniform(Initialization):
    """U(`low`, `high`), whatever the size of the layer; biases 0."""

    kind: Literal["uniform"] = "uniform"
    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low, high: expected low <= high, got low={self.low}, high={self.high}")
        return self

    def _draw_(self, weight: Tensor, rows: int, columns: int, gates: int, generator: torch.Generator) -> None:
        uniform_(weight, self.low, self.high, generator=generator)


class Glorot(Initialization):
    """U(+-sqrt(6 / (fan_in + fan_out))) per gate (Glorot and Bengio 2010, eq. 16), also known as Xavier; biases 0."""

    kind: Literal["glorot"] = "glorot"

    def _draw_(self, weight: Tensor, rows: int, columns: int, gates: int, generator: torch.Generator) -> None:
        _glorot_(weight, columns + rows // gates, generator)


class GlorotStacked(Initialization):
    """U(+-sqrt(6 / (fan_in + fan_out))) with fan_out = gN, the rows of all gates, as in Keras; biases 0.

    A layer of several gates gets smaller weights than with `Glorot`; one of a single gate gets the same.
    """

    kind: Literal["glorot_stacked"] = "glorot_stacked"

    def _draw_(self, weight: Tensor, rows: int, columns: int, gates: int, generator: torch.Generator) -> None:
        _glorot_(weight, columns + rows, generator)


class He(Initialization):
    """A normal distribution with standard deviation sqrt(2 / fan_in) (arXiv 1502.01852, eq. 10); biases 0."""

    kind: Literal["he"] = "he"

    def _draw_(self, weight: Tensor, rows: int, columns: int, gates: int, generator: torch.Generator) -> None:
        normal_(weight, 0.0, math.sqrt(2 / columns), generator=generator)


AnyInitialization = Annotated[
    TorchUniform | Normal | Uniform | Glorot | GlorotStacked | He, Field(discriminator="kind")
]


def _glorot_(weight: Tensor, fans: int, generator: torch.Generator) -> None:
    bound = math.sqrt(6 / fans)
    uniform_(weight, -bound, bound, generator=generator)
