"""The long short-term memory whose gates also read the cell state, through full matrices.

Peepholes are those of Gers, Schraudolph and Schmidhuber (JMLR 3:115, 2002), which connect each gate to its own cell
alone. Full matrices of all four gates give the number of weights of arXiv 1912.00120, Table 1.
"""

from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor

from .._draw import empty
from .._initialization import AnyInitialization, Initialization, TorchUniform
from .._value import Value
from ._lstm import LSTMModule
from ._recurrence import Matrix, Recur


class PeepholeLSTM(Value):
    """c_t = f c_{t-1} + i g, h_t = o tanh(c_t), the equations of `LSTM` with a term W_c c in each gate.

    i = sigmoid(W_ii x_t + b_ii + W_hi h_{t-1} + b_hi + W_ci c_{t-1}), f likewise, g with tanh instead of sigmoid;
    o = sigmoid(W_io x_t + b_io + W_ho h_{t-1} + b_ho + W_co c_t) reads the new cell state. `bias`: two biases or none.
    A state is h and c, concatenated (B, 2N). With N = 400, 28 inputs and no biases it has 1,324,800 weights.

    >>> lstm = PeepholeLSTM(hidden=4).build(2, generator=torch.Generator().manual_seed(0))
    >>> states, state = lstm(torch.zeros(10, 3, 2))
    >>> states.shape, state.shape, lstm.output(state).shape
    (torch.Size([10, 3, 4]), torch.Size([3, 8]), torch.Size([3, 4]))
    """

    kind: Literal["peephole_lstm"] = "peephole_lstm"
    hidden: PositiveInt
    bias: bool = True
    initialization: AnyInitialization = TorchUniform()

    @property
    def state_size(self) -> int:
        """Size S of a state: 2N, for h and c."""
        return 2 * self.hidden

    def build(self, inputs: int, *, generator: torch.Generator) -> "PeepholeLSTMModule":
        """Return the module for inputs of size I, with weights drawn from the generator, on its device."""
        return PeepholeLSTMModule(inputs, self.hidden, self.bias, self.initialization, generator=generator)


class PeepholeLSTMModule(LSTMModule):
    """The trainable module of a `PeepholeLSTM`: that of an `LSTM`, and `weight_ch` (4N, N), whose columns are c."""

    def __init__(
        self, inputs: int, hidden: int, bias: bool, initialization: Initialization, *, generator: torch.Generator
    ) -> None:
        super().__init__(inputs, hidden, bias, initialization, generator=generator)
        self.weight_ch = empty(self.gates * hidden, hidden, generator=generator)
        self.initialize_(self.weight_ch, generator=generator)

    def matrices(self) -> dict[str, Matrix]:
        """Return the gates of each matrix; the columns of `weight_hh` and `weight_ch` are the neurons of its rows."""
        return super().matrices() | {"weight_ch": Matrix(self.gates, recurrent=True)}

    def advance(self, drive: Tensor, recur: Recur, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the next h and c, (B, N) each, from drive (B, 4N), h and c."""
        h, c = state
        before, after = slice(0, 3 * self.hidden), slice(3 * self.hidden, 4 * self.hidden)  # rows of i, f, g and of o
        sums = drive + recur("weight_hh", h, self.bias_hh)  # (B, 4N)
        i, f, g = recur("weight_ch", c, sums[:, before], before).chunk(3, dim=-1)  # (B, N) each
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)  # (B, N)
        o = recur("weight_ch", c, sums[:, after], after)  # (B, N)
        return torch.sigmoid(o) * torch.tanh(c), c
