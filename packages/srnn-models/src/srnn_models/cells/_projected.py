"""The module of an LSTM with projection, as torch's `nn.LSTM(proj_size=...)` (arXiv 1402.1128)."""

import torch
from torch import Tensor
from torch.nn import functional

from .._draw import empty
from .._errors import ModelError
from .._initialization import Initialization
from ._recurrence import Matrix, Recur, Recurrence, State


class ProjectedLSTMModule(Recurrence):
    """The recurrence of a `ProjectedLSTM`: its h is the projection (B, O) of N cells, which its gates read.

    Parameters: `weight_ih` (4N, I), `weight_hh` (4N, O), `bias_ih` and `bias_hh` (4N,) or None, `weight_hr` (O, N). Row
    = target, column = source; the gates are i, f, g, o, in this order. A state is h and c, (B, O + N).

    Args:
        inputs: I.
        cells: N.
        outputs: O, the size of the projection.
        bias: Whether there are two biases or none.
        initialization: The distribution of all weights and biases.
        generator: The weights are drawn from it, on its device.
    """

    gate_names = ("i", "f", "g", "o")

    def __init__(
        self,
        inputs: int,
        cells: int,
        outputs: int,
        bias: bool,
        initialization: Initialization,
        *,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        for name, size in {"inputs": inputs, "outputs": outputs}.items():
            if size < 1:
                raise ModelError(f"{name}: expected a positive size, got {size}")
        self.inputs, self.hidden, self.state_sizes = inputs, outputs, (outputs, cells)
        self.initialization = initialization
        rows = len(self.gate_names) * cells
        self.weight_ih = empty(rows, inputs, generator=generator)
        self.weight_hh = empty(rows, outputs, generator=generator)
        self.bias_ih = empty(rows, generator=generator) if bias else None
        self.bias_hh = empty(rows, generator=generator) if bias else None
        self.weight_hr = empty(outputs, cells, generator=generator)
        self.reset_parameters(generator=generator)

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw all weights again from `initialization`, in place. `hidden` of the distribution is N."""
        _, cells = self.state_sizes
        matrices = self.matrices()
        for name, parameter in self.named_parameters(recurse=False):
            gates = matrices[name].gates if name in matrices else len(self.gate_names)
            self.initialization.fill_(parameter, hidden=cells, gates=gates, generator=generator)

    def matrices(self) -> dict[str, Matrix]:
        """Return the gates of each matrix and what its columns are: the inputs, the projections, the cells."""
        gates = len(self.gate_names)
        return {
            "weight_ih": Matrix(gates),
            "weight_hh": Matrix(gates, source="state"),
            "weight_hr": Matrix(source="step"),
        }

    def drive(self, inputs: Tensor) -> Tensor:
        """Return W_ih x + b_ih, (..., 4N), of inputs (..., I)."""
        return functional.linear(inputs, self.weight_ih, self.bias_ih)

    def advance(self, drive: Tensor, recur: Recur, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the next h (B, O) and c (B, N) from drive (B, 4N), h and c."""
        h, c = state
        i, f, g, o = (drive + recur("weight_hh", h, self.bias_hh)).chunk(4, dim=-1)  # (B, N) each
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)  # (B, N)
        return recur("weight_hr", torch.sigmoid(o) * torch.tanh(c)), c  # (B, O), (B, N)

    def output(self, state: State) -> Tensor:
        """Return the h (B, O) of a state, concatenated (B, O + N) or as the pair of h and c."""
        h, _ = self.split(state)
        return h

    def extra_repr(self) -> str:
        """Return sizes and bias, for `print(module)`."""
        outputs, cells = self.state_sizes
        return f"{self.inputs} -> {cells} -> {outputs}, bias={self.bias_ih is not None}"
