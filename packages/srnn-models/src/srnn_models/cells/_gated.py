"""What GRU and LSTM share: weights whose rows are blocks, one per gate, and their initialisation."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from .._errors import ModelError
from .._linear import empty, uniform_
from ._recurrence import Matrix, Recurrence


class GatedModule(Recurrence):
    """`weight_ih` (gN, I), `weight_hh` (gN, N), `bias_ih` and `bias_hh` (gN,) or None, for g = `gates`.

    Row = target, column = source; gate k owns rows kN to (k+1)N. All are drawn from U(+-1/sqrt(N)), as in torch. A
    state has `parts` parts of size N. The attributes are the sizes that `Recurrence` requires, the two that a subclass
    sets, and the four parameters that torch's gated layers have.
    """

    gates: int
    parts: int = 1

    def __init__(self, inputs: int, hidden: int, bias: bool, *, generator: torch.Generator) -> None:
        super().__init__()
        if inputs < 1:
            raise ModelError(f"inputs: expected a positive size, got {inputs}")
        self.inputs, self.hidden, self.state_sizes = inputs, hidden, (hidden,) * self.parts
        rows = self.gates * hidden
        self.weight_ih = empty(rows, inputs, generator=generator)
        self.weight_hh = empty(rows, hidden, generator=generator)
        self.bias_ih = empty(rows, generator=generator) if bias else None
        self.bias_hh = empty(rows, generator=generator) if bias else None
        self.reset_parameters(generator=generator)

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw all weights again from U(+-1/sqrt(N)), in place."""
        for parameter in self.parameters(recurse=False):
            uniform_(parameter, 1 / math.sqrt(self.hidden), generator=generator)

    def matrices(self) -> dict[str, Matrix]:
        """Return the gates of each matrix; the columns of `weight_hh` are the neurons of its rows."""
        return {"weight_ih": Matrix(self.gates), "weight_hh": Matrix(self.gates, recurrent=True)}

    def drive(self, inputs: Tensor) -> Tensor:
        """Return W_ih x + b_ih, (..., gN), of inputs (..., I)."""
        return functional.linear(inputs, self.weight_ih, self.bias_ih)

    def extra_repr(self) -> str:
        """Return sizes and bias, for `print(module)`."""
        return f"{self.inputs} -> {self.hidden}, bias={self.bias_ih is not None}"
