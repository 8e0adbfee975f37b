"""The long short-term memory with forget gates (Neural Computation 9:1735 and 12:2451), as torch's `nn.LSTM`."""

from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor

from .._initialization import AnyInitialization, TorchUniform
from .._value import Value
from ..engines import Product, lstm
from ._gated import GatedModule
from ._recurrence import Recur, State
from ._replayed import last_state, replayed


class LSTM(Value):
    """c_t = f c_{t-1} + i g, h_t = o tanh(c_t), the equations of torch's `nn.LSTM`, with two biases (`bias`) or none.

    i = sigmoid(W_ii x_t + b_ii + W_hi h_{t-1} + b_hi), f and o likewise, g with tanh instead of sigmoid. A state is h
    and c, concatenated (B, 2N). `initialization`: the distribution of the initial weights, by default U(+-1/sqrt(N)),
    as in torch.

    >>> lstm = LSTM(hidden=4).build(2, generator=torch.Generator().manual_seed(0))
    >>> states, state = lstm(torch.zeros(10, 3, 2))
    >>> states.shape, state.shape, lstm.output(state).shape
    (torch.Size([10, 3, 4]), torch.Size([3, 8]), torch.Size([3, 4]))
    """

    kind: Literal["lstm"] = "lstm"
    hidden: PositiveInt
    bias: bool = True
    initialization: AnyInitialization = TorchUniform()

    @property
    def state_size(self) -> int:
        """Size S of a state: 2N, for h and c."""
        return 2 * self.hidden

    def build(self, inputs: int, *, generator: torch.Generator, edges: Tensor | None = None) -> "LSTMModule":
        """Return the module for inputs of size I, with weights drawn from the generator, on its device.

        edges: int64 (2, E), (target, source), of a sparse W_hh (4N, N) that is never dense; see `EdgeWeight`.
        """
        return LSTMModule(inputs, self.hidden, self.bias, self.initialization, edges=edges, generator=generator)


class LSTMModule(GatedModule):
    """The trainable module of an `LSTM`, with gates i, f, g, o in this order: `weight_hh` is (4N, N)."""

    gate_names = ("i", "f", "g", "o")
    parts = 2

    def advance(self, drive: Tensor, recur: Recur, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the next h and c, (B, N) each, from drive (B, 4N), h and c."""
        h, c = state
        i, f, g, o = (drive + recur("weight_hh", h, self.bias_hh)).chunk(4, dim=-1)  # (B, N) each
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)  # (B, N)
        return torch.sigmoid(o) * torch.tanh(c), c

    def run_with(self, product: Product, weight: Tensor, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Run inputs (T, B, I) from state (B, 2N) with the own backward pass: `forward`, with the products of W_hh."""
        bias = None if self.bias_ih is None or self.bias_hh is None else self.bias_ih + self.bias_hh
        h, c = state.t().chunk(2)  # (N, B) each
        states, last = lstm(product, replayed(self), inputs.mT, self.weight_ih, bias, weight, h, c)
        return states.mT, last_state(torch.cat([states[-1], last]))  # (T, B, N), (B, 2N)

    def output(self, state: State) -> Tensor:
        """Return the h (B, N) of a state, concatenated (B, 2N) or as the pair of h and c."""
        h, _ = self.split(state)
        return h
