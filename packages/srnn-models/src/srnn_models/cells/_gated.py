"""What GRU and LSTM share: weights whose rows are blocks, one per gate, and their initialisation."""

import torch
from torch import Tensor
from torch.nn import functional

from .._draw import empty
from .._errors import ModelError
from .._initialization import Initialization
from ._recurrence import Matrix, Recurrence


class GatedModule(Recurrence):
    """`weight_ih` (gN, I), `weight_hh` (gN, N), `bias_ih` and `bias_hh` (gN,) or None, for g = `gates`.

    Row = target, column = source; gate k owns rows kN to (k+1)N and is named `gate_names[k]`. All are drawn from
    `initialization`. A state has `parts` parts of size N. The attributes are the sizes that `Recurrence` requires, the
    two that a subclass sets (`gate_names` and `parts`), and the four parameters that torch's gated layers have.
    """

    gate_names: tuple[str, ...]
    parts: int = 1

    def __init__(
        self, inputs: int, hidden: int, bias: bool, initialization: Initialization, *, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.initialization = initialization
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
        """Draw all weights again from `initialization`, in place."""
        for parameter in self.parameters(recurse=False):
            self.initialize_(parameter, generator=generator)

    def initialize_(self, parameter: Tensor, *, generator: torch.Generator) -> None:
        """Draw one weight or bias of gN rows from `initialization`, in place."""
        self.initialization.fill_(parameter, hidden=self.hidden, gates=self.gates, generator=generator)

    @property
    def gates(self) -> int:
        """Number g of gates."""
        return len(self.gate_names)

    def matrices(self) -> dict[str, Matrix]:
        """Return the gates of each matrix; the columns of `weight_hh` are the neurons of its rows."""
        return {"weight_ih": Matrix(self.gates), "weight_hh": Matrix(self.gates, recurrent=True)}

    def drive(self, inputs: Tensor) -> Tensor:
        """Return W_ih x + b_ih, (..., gN), of inputs (..., I)."""
        return functional.linear(inputs, self.weight_ih, self.bias_ih)

    def extra_repr(self) -> str:
        """Return sizes and bias, for `print(module)`."""
        return f"{self.inputs} -> {self.hidden}, bias={self.bias_ih is not None}"
