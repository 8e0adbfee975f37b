"""What `ElmanRNN` and `LeakyRNN` share: weights of N rows, their initialisation, and W_ih x + b."""

import torch
from torch import Tensor
from torch.nn import functional

from .._draw import empty
from .._errors import ModelError
from .._initialization import Initialization
from ..engines import fused_elman, runs_fused
from ._edge_acceleration import restore_acceleration
from ._edge_weight import EdgeWeight, recurrent_weight
from ._recurrence import Matrix, Recurrence, recurrent_matrix


class PlainModule(Recurrence):
    """`weight_ih` (N, I), `weight_hh` (N, N), `bias` (N,) or None; a state is h, (B, N).

    With `edges` (2, E), `weight_hh` is an `EdgeWeight`. Row = target neuron, column = source. All are drawn from
    `initialization`. A subclass calls `reset_parameters` after creating all its parameters; until then they are
    uninitialised.
    """

    nonlinearity: str

    def __init__(
        self,
        inputs: int,
        hidden: int,
        bias: bool,
        initialization: Initialization,
        *,
        edges: Tensor | None,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.initialization = initialization
        if inputs < 1:
            raise ModelError(f"inputs: expected a positive size, got {inputs}")
        self.inputs, self.hidden, self.state_sizes = inputs, hidden, (hidden,)
        self.weight_ih = empty(hidden, inputs, generator=generator)
        self.weight_hh = recurrent_weight(edges, hidden, hidden, generator=generator)
        self.bias = empty(hidden, generator=generator) if bias else None
        restore_acceleration(self)

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw all weights again from `initialization`, in place."""
        for parameter in self.parameters(recurse=False):
            self.initialization.fill_(parameter, hidden=self.hidden, generator=generator)
        if isinstance(self.weight_hh, EdgeWeight):
            values, shape = self.weight_hh.values, self.weight_hh.shape
            self.initialization.fill_(values, hidden=self.hidden, shape=shape, generator=generator)

    def matrices(self) -> dict[str, Matrix]:
        """Return one gate for each matrix; the columns of `weight_hh` are the neurons of its rows."""
        return {"weight_ih": Matrix(), **recurrent_matrix(self.weight_hh)}

    def drive(self, inputs: Tensor) -> Tensor:
        """Return W_ih x + b, (..., N), of inputs (..., I)."""
        return functional.linear(inputs, self.weight_ih, self.bias)

    def _loop(self, drives: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Run the fused Elman loop on a GPU where the cell is an Elman network, otherwise the shared loop."""
        if self.is_elman and isinstance(self.weight_hh, Tensor) and runs_fused(self.weight_hh):
            return fused_elman(drives, state, self.weight_hh, self.nonlinearity)  # (T, B, N), (B, N)
        return super()._loop(drives, state)

    @property
    def is_elman(self) -> bool:
        """Return whether one step is h_t = s(W_hh h_{t-1} + drive), with s = tanh or relu."""
        raise NotImplementedError


ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu, "softplus": functional.softplus}
