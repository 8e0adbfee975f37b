"""The Elman network: h_t = s(W_hh h_{t-1} + W_ih x_t + b) (arXiv 2406.06290, section 1 of the facts sheet)."""

import math
from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor
from torch.nn import functional

from ._linear import empty, uniform_
from ._recurrence import Recurrence, check_sequence
from ._value import Value


class ElmanRNN(Value):
    """h_t = s(W_hh h_{t-1} + W_ih x_t + b), with s = tanh or relu and one bias.

    torch's `nn.RNN` computes the same with `bias_ih + bias_hh = bias`.

    >>> rnn = ElmanRNN(hidden=4).build(2, generator=torch.Generator().manual_seed(0))
    >>> states, state = rnn(torch.zeros(10, 3, 2))
    >>> states.shape, state.shape
    (torch.Size([10, 3, 4]), torch.Size([3, 4]))
    """

    kind: Literal["elman"] = "elman"
    hidden: PositiveInt
    nonlinearity: Literal["tanh", "relu"] = "tanh"
    bias: bool = True

    def build(self, inputs: int, *, generator: torch.Generator) -> "ElmanModule":
        """Make the module for inputs of size I; its weights are drawn from the generator, on the generator's device."""
        return ElmanModule(self, inputs, generator=generator)


class ElmanModule(Recurrence):
    """The trainable module of an `ElmanRNN`: `weight_ih` (N, I), `weight_hh` (N, N), `bias` (N,) or None.

    Row = target neuron, column = source. All are drawn from U(+-1/sqrt(N)), as in torch.
    """

    def __init__(self, value: ElmanRNN, inputs: int, *, generator: torch.Generator) -> None:
        super().__init__()
        if inputs < 1:
            raise ValueError(f"inputs: expected a positive size, got {inputs}")
        self.inputs, self.hidden, self.nonlinearity = inputs, value.hidden, value.nonlinearity
        self.weight_ih = empty(self.hidden, inputs, generator=generator)
        self.weight_hh = empty(self.hidden, self.hidden, generator=generator)
        self.bias = empty(self.hidden, generator=generator) if value.bias else None
        self.reset_parameters(generator=generator)

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw all weights anew from U(+-1/sqrt(N))."""
        for parameter in self.parameters(recurse=False):
            uniform_(parameter, 1 / math.sqrt(self.hidden), generator=generator)

    def forward(self, inputs: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run inputs (T, B, I) from state (B, N): all states (T, B, N) and the last one (B, N)."""
        check_sequence(inputs, self.inputs)
        activate = _ACTIVATIONS[self.nonlinearity]
        weight = self.weight_hh.t()
        state = self._initial(inputs[0], state)
        driven = functional.linear(inputs, self.weight_ih, self.bias)  # (T, B, N), one product for all T
        states = []
        for drive in driven.unbind(0):
            state = activate(torch.addmm(drive, state, weight))  # (B, N)
            states.append(state)
        return torch.stack(states), state  # (T, B, N), (B, N)

    def step(self, input: Tensor, state: Tensor | None = None) -> Tensor:
        """One time step: input (B, I) and state (B, N) give the next state (B, N)."""
        drive = functional.linear(input, self.weight_ih, self.bias)  # (B, N)
        drive = torch.addmm(drive, self._initial(input, state), self.weight_hh.t())
        return _ACTIVATIONS[self.nonlinearity](drive)

    def _initial(self, input: Tensor, state: Tensor | None) -> Tensor:
        shape = (input.shape[0], self.hidden)
        if state is None:
            return input.new_zeros(shape)
        if state.shape != shape:
            raise ValueError(f"state: expected shape {shape}, got {tuple(state.shape)}")
        return state

    def extra_repr(self) -> str:
        """Show sizes and nonlinearity in `print(module)`."""
        return f"{self.inputs} -> {self.hidden}, {self.nonlinearity}, bias={self.bias is not None}"


_ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu}
