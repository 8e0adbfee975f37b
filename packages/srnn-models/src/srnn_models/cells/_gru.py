"""The gated recurrent unit (arXiv 1406.1078), in the form of torch's `nn.GRU`: the reset gate acts after W_hn."""

from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor

from .._initialization import AnyInitialization, TorchUniform
from .._value import Value
from ..engines import Product, gru
from ._gated import GatedModule
from ._recurrence import Recur
from ._replayed import last_state, replayed


class GRU(Value):
    """h_t = (1 - z) n + z h_{t-1}, the equations of torch's `nn.GRU`, with two biases (`bias`) or none.

    r = sigmoid(W_ir x_t + b_ir + W_hr h_{t-1} + b_hr), z likewise, n = tanh(W_in x_t + b_in + r (W_hn h_{t-1} + b_hn)).
    `initialization`: the distribution of the initial weights, by default U(+-1/sqrt(N)), as in torch.

    >>> gru = GRU(hidden=4).build(2, generator=torch.Generator().manual_seed(0))
    >>> states, state = gru(torch.zeros(10, 3, 2))
    >>> states.shape, state.shape
    (torch.Size([10, 3, 4]), torch.Size([3, 4]))
    """

    kind: Literal["gru"] = "gru"
    hidden: PositiveInt
    bias: bool = True
    initialization: AnyInitialization = TorchUniform()

    @property
    def state_size(self) -> int:
        """Size S of a state: N."""
        return self.hidden

    def build(self, inputs: int, *, generator: torch.Generator, edges: Tensor | None = None) -> "GRUModule":
        """Return the module for inputs of size I, with weights drawn from the generator, on its device.

        edges: int64 (2, E), (target, source), of a sparse W_hh (3N, N) that is never dense; see `EdgeWeight`.
        """
        return GRUModule(inputs, self.hidden, self.bias, self.initialization, edges=edges, generator=generator)


class GRUModule(GatedModule):
    """The trainable module of a `GRU`, with gates r, z, n in this order: `weight_hh` is (3N, N)."""

    gate_names = ("r", "z", "n")

    def advance(self, drive: Tensor, recur: Recur, state: Tensor) -> Tensor:
        """Return the next h (B, N) from drive (B, 3N) and h (B, N)."""
        sizes = [2 * self.hidden, self.hidden]
        drive_rz, drive_n = torch.split(drive, sizes, dim=-1)  # (B, 2N), (B, N)
        recur_rz, recur_n = torch.split(recur("weight_hh", state, self.bias_hh), sizes, dim=-1)  # (B, 2N), (B, N)
        r, z = torch.sigmoid(drive_rz + recur_rz).chunk(2, dim=-1)  # (B, N) each
        n = torch.tanh(drive_n + r * recur_n)  # (B, N)
        return n + z * (state - n)

    def run_with(self, product: Product, weight: Tensor, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Run inputs (T, B, I) from state (B, N) with the own backward pass: `forward`, with the products of W_hh."""
        loop, x = replayed(self, hidden_bias=True), inputs.mT  # (T, I, B)
        states = gru(product, loop, x, self.weight_ih, self.bias_ih, weight, self.bias_hh, state.t())  # (T, N, B)
        return states.mT, last_state(states[-1])  # (T, B, N), (B, N)
