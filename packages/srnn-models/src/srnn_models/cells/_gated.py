"""What GRU and LSTM share: weights whose rows are blocks, one per gate, and their initialisation."""

import torch
from torch import Tensor
from torch.nn import functional

from .._draw import empty
from .._errors import ModelError
from .._initialization import Initialization
from ._edge_acceleration import restore_acceleration
from ._edge_weight import EdgeWeight, recurrent_weight
from ._recurrence import Matrix, Recurrence, recurrent_matrix


class GatedModule(Recurrence):
    """`weight_ih` (gN, I), `weight_hh` (gN, N), `bias_ih` and `bias_hh` (gN,) or None, for g = `gates`.

    With `edges` (2, E), `weight_hh` is an `EdgeWeight`. Row = target, column = source; gate k owns rows kN to (k+1)N
    and is named `gate_names[k]`. All are drawn from `initialization`. A state has `parts` parts of size N. The
    attributes are the sizes that `Recurrence` requires, the two that a subclass sets (`gate_names` and `parts`), and
    the four parameters that torch's gated layers have.
    """

    gate_names: tuple[str, ...]
    parts: int = 1

    def __init__(
        self,
        inputs: int,
        hidden: int,
        bias: bool,
        initialization: Initialization,
        *,
        edges: Tensor | None = None,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.initialization = initialization
        if inputs < 1:
            raise ModelError(f"inputs: expected a positive size, got {inputs}")
        self.inputs, self.hidden, self.state_sizes = inputs, hidden, (hidden,) * self.parts
        rows = self.gates * hidden
        self.weight_ih = empty(rows, inputs, generator=generator)
        self.weight_hh = recurrent_weight(edges, rows, hidden, generator=generator)
        self.bias_ih = empty(rows, generator=generator) if bias else None
        self.bias_hh = empty(rows, generator=generator) if bias else None
        restore_acceleration(self)
        self.reset_parameters(generator=generator)

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw all weights again from `initialization`, in place."""
        for parameter in self.parameters(recurse=False):
            self.initialize_(parameter, generator=generator)
        if isinstance(self.weight_hh, EdgeWeight):
            self.initialize_(self.weight_hh.values, shape=self.weight_hh.shape, generator=generator)

    def initialize_(
        self, parameter: Tensor, *, shape: tuple[int, int] | None = None, generator: torch.Generator
    ) -> None:
        """Draw one weight or bias of gN rows, or the values of edges of a weight of this shape, in place."""
        self.initialization.fill_(parameter, hidden=self.hidden, gates=self.gates, shape=shape, generator=generator)

    @property
    def gates(self) -> int:
        """Number g of gates."""
        return len(self.gate_names)

    def matrices(self) -> dict[str, Matrix]:
        """Return the gates of each matrix; the columns of `weight_hh` are the neurons of its rows."""
        return {"weight_ih": Matrix(self.gates), **recurrent_matrix(self.weight_hh, self.gates)}

    def drive(self, inputs: Tensor) -> Tensor:
        """Return W_ih x + b_ih, (..., gN), of inputs (..., I)."""
        return functional.linear(inputs, self.weight_ih, self.bias_ih)

    def extra_repr(self) -> str:
        """Return sizes and bias, for `print(module)`."""
        return f"{self.inputs} -> {self.hidden}, bias={self.bias_ih is not None}"
