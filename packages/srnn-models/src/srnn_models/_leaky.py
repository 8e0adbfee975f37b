"""The leaky network of rates: h_{t+1} = (1-alpha) h_t + alpha f(W h_t + O i_t + b) (arXiv 2207.03523, section 2.1)."""

from typing import Annotated, Literal

import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor

from ._elman_kernel import elman_kernel, uses_kernel
from ._plain import ACTIVATIONS, PlainModule
from ._recurrence import check_sequence
from ._value import Value


class LeakyRNN(Value):
    """h_{t+1} = (1-alpha) h_t + alpha f(W h_t + O i_t + b), with f = relu, softplus or tanh.

    `alpha` = dt / tau, a time step over the time constant of a unit. The paper states neither alpha nor f. The default
    1 means dt = tau: a time step of Mod-Cog is 100 ms, as long as tau in Yang et al. (2019), whose own steps of 20 ms
    make alpha = 0.2. With alpha = 1 no part of h_t stays: with relu or tanh that is an `ElmanRNN`.
    New recurrent weights are drawn from U(+-`gain` / sqrt(N)): a mask of density p on a network of gain 1 leaves the
    rows of W as large as those of a dense network whose gain is sqrt(p).

    >>> rnn = LeakyRNN(hidden=4, alpha=0.2).build(2, generator=torch.Generator().manual_seed(0))
    >>> states, state = rnn(torch.zeros(10, 3, 2))
    >>> states.shape, state.shape
    (torch.Size([10, 3, 4]), torch.Size([3, 4]))
    """

    kind: Literal["leaky"] = "leaky"
    hidden: PositiveInt
    alpha: Annotated[float, Field(gt=0, le=1)] = 1.0
    nonlinearity: Literal["relu", "softplus", "tanh"] = "relu"
    bias: bool = True
    gain: PositiveFloat = 1.0

    @property
    def state_size(self) -> int:
        """Size S of a state: N."""
        return self.hidden

    def build(self, inputs: int, *, generator: torch.Generator) -> "LeakyModule":
        """Make the module for inputs of size I; its weights are drawn from the generator, on the generator's device."""
        return LeakyModule(self, inputs, generator=generator)


class LeakyModule(PlainModule):
    """The trainable module of a `LeakyRNN`: `weight_ih` O (N, I), `weight_hh` W (N, N), `bias` b (N,) or None.

    Row = target neuron, column = source. All are drawn from U(+-1/sqrt(N)), W times the gain, whatever alpha is.
    """

    def __init__(self, value: LeakyRNN, inputs: int, *, generator: torch.Generator) -> None:
        super().__init__(inputs, value.hidden, value.bias, generator=generator)
        self.alpha, self.nonlinearity, self.gain = value.alpha, value.nonlinearity, value.gain
        self.reset_parameters(generator=generator)

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw all weights anew from U(+-1/sqrt(N)), and multiply W by the gain."""
        super().reset_parameters(generator=generator)
        if self.gain != 1:
            with torch.no_grad():
                self.weight_hh.mul_(self.gain)

    def forward(self, inputs: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run inputs (T, B, I) from state (B, N): all states (T, B, N) and the last one (B, N)."""
        check_sequence(inputs, self.inputs)
        state = self._initial(inputs[0], state)
        driven = self._drive(inputs)  # (T, B, N), one product for all T
        if self.alpha == 1 and self.nonlinearity != "softplus" and uses_kernel(self.weight_hh):
            return elman_kernel(driven, state, self.weight_hh, self.nonlinearity)  # (T, B, N), (B, N)
        weight = self.weight_hh.t()
        states = []
        for drive in driven.unbind(0):
            state = self._next(drive, state, weight)  # (B, N)
            states.append(state)
        return torch.stack(states), state  # (T, B, N), (B, N)

    def step(self, input: Tensor, state: Tensor | None = None) -> Tensor:
        """One time step: input (B, I) and state (B, N) give the next state (B, N)."""
        state = self._initial(input, state)
        return self._next(self._drive(input), state, self.weight_hh.t())

    def _next(self, drive: Tensor, state: Tensor, weight: Tensor) -> Tensor:
        """The next state (B, N) from O i + b (B, N), the state (B, N) and W^T (N, N)."""
        rate = ACTIVATIONS[self.nonlinearity](torch.addmm(drive, state, weight))  # (B, N)
        if self.alpha == 1:
            return rate
        return state.lerp(rate.to(state.dtype), self.alpha)  # autocast rounds rates; small steps must not be

    def extra_repr(self) -> str:
        """Show sizes, alpha and nonlinearity in `print(module)`."""
        bias = self.bias is not None
        return f"{self.inputs} -> {self.hidden}, {self.nonlinearity}, alpha={self.alpha}, bias={bias}"
