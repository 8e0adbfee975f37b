"""The leaky rate network: h_{t+1} = (1-alpha) h_t + alpha f(W h_t + O i_t + b) (arXiv 2207.03523, section 2.1)."""

from functools import partial
from typing import Annotated, Literal

import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor

from .._initialization import TorchUniform
from .._value import Value
from ..engines import Product, elman, leaky
from ._edge_weight import EdgeWeight
from ._plain import ACTIVATIONS, PlainModule
from ._recurrence import Recur
from ._replayed import last_state, replayed


class LeakyRNN(Value):
    """h_{t+1} = (1-alpha) h_t + alpha f(W h_t + O i_t + b), with f = relu, softplus or tanh.

    `alpha` = dt / tau, the time step over the time constant of a unit. The paper states neither alpha nor f. The
    default 1 means dt = tau: a time step of Mod-Cog is 100 ms, which is tau in Yang et al. (2019), whose own steps of
    20 ms give alpha = 0.2. With alpha = 1 nothing of h_t is kept: with relu or tanh that is an `ElmanRNN`.

    Recurrent weights are drawn from U(+-`gain` / sqrt(N)). With a mask of density p, gain 1 gives the rows of W the
    norm that the rows of a dense network have at gain sqrt(p).

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

    def build(self, inputs: int, *, generator: torch.Generator, edges: Tensor | None = None) -> "LeakyModule":
        """Return the module for inputs of size I, with weights drawn from the generator, on its device.

        edges: int64 (2, E), (target, source), of a sparse W (N, N) that is never dense; see `EdgeWeight`.
        """
        return LeakyModule(self, inputs, edges=edges, generator=generator)


class LeakyModule(PlainModule):
    """The trainable module of a `LeakyRNN`: `weight_ih` O (N, I), `weight_hh` W (N, N), `bias` b (N,) or None.

    Row = target neuron, column = source. All are drawn from U(+-1/sqrt(N)), W times the gain, for every alpha.
    """

    def __init__(
        self, value: LeakyRNN, inputs: int, *, edges: Tensor | None = None, generator: torch.Generator
    ) -> None:
        super().__init__(inputs, value.hidden, value.bias, TorchUniform(), edges=edges, generator=generator)
        self.alpha, self.nonlinearity, self.gain = value.alpha, value.nonlinearity, value.gain
        self.reset_parameters(generator=generator)

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw all weights again from U(+-1/sqrt(N)), in place, and multiply W by the gain."""
        super().reset_parameters(generator=generator)
        if self.gain != 1:
            with torch.no_grad():
                weight = self.weight_hh
                (weight.values if isinstance(weight, EdgeWeight) else weight).mul_(self.gain)

    def advance(self, drive: Tensor, recur: Recur, state: Tensor) -> Tensor:
        """Return (1-alpha) h + alpha f(W h + drive), (B, N), from drive and h, both (B, N)."""
        rate = ACTIVATIONS[self.nonlinearity](recur("weight_hh", state, drive))  # (B, N)
        if self.alpha == 1:
            return rate
        return state.lerp(rate.to(state.dtype), self.alpha)  # not in bfloat16, which loses small steps

    def run_with(self, product: Product, weight: Tensor, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Run inputs (T, B, I) from state (B, N) with the own backward pass: `forward`, with the products of W."""
        tensors = inputs.mT, self.weight_ih, self.bias, weight, state.t()  # inputs (T, I, B), state (N, B)
        loop, f = replayed(self), self.nonlinearity
        run = elman if self.is_elman else partial(leaky, alpha=self.alpha)
        states = run(product, loop, f, *tensors)  # (T, N, B)
        return states.mT, last_state(states[-1])  # (T, B, N), (B, N)

    @property
    def is_elman(self) -> bool:
        """Return whether alpha is 1 and f is tanh or relu."""
        return self.alpha == 1 and self.nonlinearity != "softplus"

    def extra_repr(self) -> str:
        """Return sizes, nonlinearity, alpha and bias, for `print(module)`."""
        bias = self.bias is not None
        return f"{self.inputs} -> {self.hidden}, {self.nonlinearity}, alpha={self.alpha}, bias={bias}"
