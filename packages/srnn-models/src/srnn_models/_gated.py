"""What GRU and LSTM share: weights whose rows are blocks, one a gate, and their initialisation."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from ._linear import empty, uniform_
from ._recurrence import Recurrence


class GatedModule(Recurrence):
    """`weight_ih` (gN, I), `weight_hh` (gN, N), `bias_ih` and `bias_hh` (gN,) or None, for g = `gates`.

    Row = target, column = source; gate k owns rows kN to (k+1)N. All are drawn from U(+-1/sqrt(N)), as in torch.
    """

    def __init__(self, inputs: int, hidden: int, bias: bool, state_size: int, *, generator: torch.Generator) -> None:
        super().__init__()
        if inputs < 1:
            raise ValueError(f"inputs: expected a positive size, got {inputs}")
        self.inputs, self.hidden, self.state_size = inputs, hidden, state_size
        rows = self.gates * hidden
        self.weight_ih = empty(rows, inputs, generator=generator)
        self.weight_hh = empty(rows, hidden, generator=generator)
        self.bias_ih = empty(rows, generator=generator) if bias else None
        self.bias_hh = empty(rows, generator=generator) if bias else None
        self.reset_parameters(generator=generator)

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw all weights anew from U(+-1/sqrt(N))."""
        for parameter in self.parameters(recurse=False):
            uniform_(parameter, 1 / math.sqrt(self.hidden), generator=generator)

    def extra_repr(self) -> str:
        """Show the sizes in `print(module)`."""
        return f"{self.inputs} -> {self.hidden}, bias={self.bias_ih is not None}"

    def _drive(self, inputs: Tensor) -> Tensor:
        """W_ih x + b_ih, (..., gN), of inputs (..., I)."""
        return functional.linear(inputs, self.weight_ih, self.bias_ih)

    def _recur(self, h: Tensor) -> Tensor:
        """W_hh h + b_hh, (B, gN), of h (B, N)."""
        return functional.linear(h, self.weight_hh, self.bias_hh)
