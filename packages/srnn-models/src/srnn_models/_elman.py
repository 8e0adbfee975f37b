"""The Elman network: h_t = s(W_hh h_{t-1} + W_ih x_t + b) (arXiv 2406.06290, section 1 of the facts sheet)."""

from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor

from ._elman_kernel import elman_kernel, uses_kernel
from ._linear import empty
from ._plain import ACTIVATIONS, PlainModule
from ._recurrence import check_sequence
from ._value import Value


class ElmanRNN(Value):
    """h_t = s(W_hh h_{t-1} + W_ih x_t + b), with s = tanh or relu.

    `bias`: one bias b (True), none (False), or b = `bias` + `bias_hh` ("double"), as torch's `nn.RNN` has it. Both
    of two biases get the gradient of b, so plain SGD moves their sum twice as fast as one.

    >>> rnn = ElmanRNN(hidden=4).build(2, generator=torch.Generator().manual_seed(0))
    >>> states, state = rnn(torch.zeros(10, 3, 2))
    >>> states.shape, state.shape
    (torch.Size([10, 3, 4]), torch.Size([3, 4]))
    """

    kind: Literal["elman"] = "elman"
    hidden: PositiveInt
    nonlinearity: Literal["tanh", "relu"] = "tanh"
    bias: bool | Literal["double"] = True

    @property
    def state_size(self) -> int:
        """Size S of a state: N."""
        return self.hidden

    def build(self, inputs: int, *, generator: torch.Generator) -> "ElmanModule":
        """Make the module for inputs of size I; its weights are drawn from the generator, on the generator's device."""
        return ElmanModule(self, inputs, generator=generator)


class ElmanModule(PlainModule):
    """The trainable module of an `ElmanRNN`: `weight_ih` (N, I), `weight_hh` (N, N), `bias` and `bias_hh` (N,) or None.

    Row = target neuron, column = source. All are drawn from U(+-1/sqrt(N)), as in torch.
    """

    def __init__(self, value: ElmanRNN, inputs: int, *, generator: torch.Generator) -> None:
        super().__init__(inputs, value.hidden, bool(value.bias), generator=generator)
        self.nonlinearity = value.nonlinearity
        self.bias_hh = empty(self.hidden, generator=generator) if value.bias == "double" else None
        self.reset_parameters(generator=generator)

    def forward(self, inputs: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run inputs (T, B, I) from state (B, N): all states (T, B, N) and the last one (B, N)."""
        check_sequence(inputs, self.inputs)
        state = self._initial(inputs[0], state)
        driven = self._drive(inputs)  # (T, B, N), one product for all T
        if uses_kernel(self.weight_hh):
            return elman_kernel(driven, state, self.weight_hh, self.nonlinearity)  # (T, B, N), (B, N)
        activate = ACTIVATIONS[self.nonlinearity]
        weight = self.weight_hh.t()
        states = []
        for drive in driven.unbind(0):
            state = activate(torch.addmm(drive, state, weight))  # (B, N)
            states.append(state)
        return torch.stack(states), state  # (T, B, N), (B, N)

    def step(self, input: Tensor, state: Tensor | None = None) -> Tensor:
        """One time step: input (B, I) and state (B, N) give the next state (B, N)."""
        drive = torch.addmm(self._drive(input), self._initial(input, state), self.weight_hh.t())  # (B, N)
        return ACTIVATIONS[self.nonlinearity](drive)

    def _bias(self) -> Tensor | None:
        """The b of the equation, (N,): the sum of two biases, the one, or None."""
        return self.bias if self.bias is None or self.bias_hh is None else self.bias + self.bias_hh

    def extra_repr(self) -> str:
        """Show sizes and nonlinearity in `print(module)`."""
        bias = "double" if self.bias_hh is not None else self.bias is not None
        return f"{self.inputs} -> {self.hidden}, {self.nonlinearity}, bias={bias}"
