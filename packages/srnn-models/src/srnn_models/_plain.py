"""What `ElmanRNN` and `LeakyRNN` share: weights of N rows, their initialisation, and W_ih x + b."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from ._linear import empty, uniform_
from ._recurrence import Recurrence


class PlainModule(Recurrence):
    """`weight_ih` (N, I), `weight_hh` (N, N), `bias` (N,) or None; a state is h, (B, N).

    Row = target neuron, column = source. All are drawn from U(+-1/sqrt(N)), as in torch. They hold no numbers until a
    subclass, once it has all of its own, calls `reset_parameters`.
    """

    def __init__(self, inputs: int, hidden: int, bias: bool, *, generator: torch.Generator) -> None:
        super().__init__()
        if inputs < 1:
            raise ValueError(f"inputs: expected a positive size, got {inputs}")
        self.inputs, self.hidden, self.state_size = inputs, hidden, hidden
        self.weight_ih = empty(hidden, inputs, generator=generator)
        self.weight_hh = empty(hidden, hidden, generator=generator)
        self.bias = empty(hidden, generator=generator) if bias else None

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw all weights anew from U(+-1/sqrt(N))."""
        for parameter in self.parameters(recurse=False):
            uniform_(parameter, 1 / math.sqrt(self.hidden), generator=generator)

    def _drive(self, inputs: Tensor) -> Tensor:
        """W_ih x + b, (..., N), of inputs (..., I)."""
        return functional.linear(inputs, self.weight_ih, self._bias())

    def _bias(self) -> Tensor | None:
        """The b of the equation, (N,), or None."""
        return self.bias


ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu, "softplus": functional.softplus}
