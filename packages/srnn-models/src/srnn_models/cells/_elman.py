"""The Elman network: h_t = s(W_hh h_{t-1} + W_ih x_t + b) (Cognitive Science 14:179; used in arXiv 2406.06290)."""

from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor
from torch.nn import functional

from .._draw import empty
from .._initialization import AnyInitialization, TorchUniform
from .._value import Value
from ..engines import Product, elman
from ._plain import ACTIVATIONS, PlainModule
from ._recurrence import Recur
from ._replayed import last_state, replayed


class ElmanRNN(Value):
    """h_t = s(W_hh h_{t-1} + W_ih x_t + b), with s = tanh or relu.

    `bias`: one bias b (True), none (False), or b = `bias` + `bias_hh` ("double"), as in torch's `nn.RNN`. Each of two
    biases gets the gradient of b, so plain SGD moves their sum twice as fast as one bias.

    `initialization`: the distribution of the initial weights, by default U(+-1/sqrt(N)), as in torch.

    >>> rnn = ElmanRNN(hidden=4).build(2, generator=torch.Generator().manual_seed(0))
    >>> states, state = rnn(torch.zeros(10, 3, 2))
    >>> states.shape, state.shape
    (torch.Size([10, 3, 4]), torch.Size([3, 4]))
    """

    kind: Literal["elman"] = "elman"
    hidden: PositiveInt
    nonlinearity: Literal["tanh", "relu"] = "tanh"
    bias: bool | Literal["double"] = True
    initialization: AnyInitialization = TorchUniform()

    @property
    def state_size(self) -> int:
        """Size S of a state: N."""
        return self.hidden

    def build(self, inputs: int, *, generator: torch.Generator, edges: Tensor | None = None) -> "ElmanModule":
        """Return the module for inputs of size I, with weights drawn from the generator, on its device.

        edges: int64 (2, E), (target, source), of a sparse W_hh (N, N) that is never dense; see `EdgeWeight`.
        """
        return ElmanModule(self, inputs, edges=edges, generator=generator)


class ElmanModule(PlainModule):
    """The trainable module of an `ElmanRNN`: `weight_ih` (N, I), `weight_hh` (N, N), `bias` and `bias_hh` (N,) or None.

    Row = target neuron, column = source. All are drawn from the `initialization` of the value.
    """

    def __init__(
        self, value: ElmanRNN, inputs: int, *, edges: Tensor | None = None, generator: torch.Generator
    ) -> None:
        super().__init__(inputs, value.hidden, bool(value.bias), value.initialization, edges=edges, generator=generator)
        self.nonlinearity = value.nonlinearity
        self.bias_hh = empty(self.hidden, generator=generator) if value.bias == "double" else None
        self.reset_parameters(generator=generator)

    def drive(self, inputs: Tensor) -> Tensor:
        """Return W_ih x + b, (..., N), of inputs (..., I); b is the sum of the two biases where there are two."""
        return functional.linear(inputs, self.weight_ih, self._bias())

    def advance(self, drive: Tensor, recur: Recur, state: Tensor) -> Tensor:
        """Return s(W_hh h + drive), (B, N), from drive and h, both (B, N)."""
        return ACTIVATIONS[self.nonlinearity](recur("weight_hh", state, drive))

    def run_with(self, product: Product, weight: Tensor, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Run inputs (T, B, I) from state (B, N) with the own backward pass: `forward`, with the products of W_hh."""
        loop, bias, x = replayed(self), self._bias(), inputs.mT  # (T, I, B)
        states = elman(product, loop, self.nonlinearity, x, self.weight_ih, bias, weight, state.t())  # (T, N, B)
        return states.mT, last_state(states[-1])  # (T, B, N), (B, N)

    def _bias(self) -> Tensor | None:
        """Return b (N,), the sum of the two biases where there are two."""
        return self.bias if self.bias is None or self.bias_hh is None else self.bias + self.bias_hh

    @property
    def is_elman(self) -> bool:
        """Return True: no option of `ElmanRNN` changes the form of a step."""
        return True

    def extra_repr(self) -> str:
        """Return sizes, nonlinearity and bias, for `print(module)`."""
        bias = "double" if self.bias_hh is not None else self.bias is not None
        return f"{self.inputs} -> {self.hidden}, {self.nonlinearity}, bias={bias}"
