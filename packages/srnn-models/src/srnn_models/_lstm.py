"""The long short-term memory with forget gates (Neural Computation 9:1735 and 12:2451), as torch's `nn.LSTM`."""

from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor

from ._gated import GatedModule
from ._recurrence import check_sequence
from ._value import Value


class LSTM(Value):
    """c_t = f c_{t-1} + i g, h_t = o tanh(c_t), as torch's `nn.LSTM` computes it, with its two biases (`bias`) or none.

    i = sigmoid(W_ii x_t + b_ii + W_hi h_{t-1} + b_hi), f and o likewise, g so with tanh. A state is h and c side by
    side, (B, 2N).

    >>> lstm = LSTM(hidden=4).build(2, generator=torch.Generator().manual_seed(0))
    >>> states, state = lstm(torch.zeros(10, 3, 2))
    >>> states.shape, state.shape, lstm.output(state).shape
    (torch.Size([10, 3, 4]), torch.Size([3, 8]), torch.Size([3, 4]))
    """

    kind: Literal["lstm"] = "lstm"
    hidden: PositiveInt
    bias: bool = True

    @property
    def state_size(self) -> int:
        """Size S of a state: 2N, for h and c."""
        return 2 * self.hidden

    def build(self, inputs: int, *, generator: torch.Generator) -> "LSTMModule":
        """Make the module for inputs of size I; its weights are drawn from the generator, on the generator's device."""
        return LSTMModule(inputs, self.hidden, self.bias, self.state_size, generator=generator)


class LSTMModule(GatedModule):
    """The trainable module of an `LSTM`; its gates are i, f, g, o in this order: `weight_hh` is (4N, N)."""

    gates = 4

    def forward(self, inputs: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run inputs (T, B, I) from state (B, 2N): h at all times (T, B, N) and the last h and c (B, 2N)."""
        check_sequence(inputs, self.inputs)
        h, c = self._initial(inputs[0], state).chunk(2, dim=-1)  # (B, N) each
        states = []
        for drive in self._drive(inputs).unbind(0):  # (B, 4N), one product for all T
            h, c = self._next(drive, h, c)  # (B, N) each
            states.append(h)
        return torch.stack(states), torch.cat((h, c), dim=-1)  # (T, B, N), (B, 2N)

    def step(self, input: Tensor, state: Tensor | None = None) -> Tensor:
        """One time step: input (B, I) and state (B, 2N) give the next state (B, 2N)."""
        h, c = self._initial(input, state).chunk(2, dim=-1)  # (B, N) each
        return torch.cat(self._next(self._drive(input), h, c), dim=-1)

    def output(self, state: Tensor) -> Tensor:
        """The h (B, N) of a state (B, 2N): its first half."""
        return state[..., : self.hidden]

    def _next(self, drive: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        i, f, g, o = (drive + self._recur(h)).chunk(4, dim=-1)  # (B, N) each
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c
