"""`Network`, the base class of every network, and `Spec`, the sizes of a task that a model is built for."""

from typing import Protocol

from torch import Tensor, nn

from .._errors import ModelError
from ..cells import Matrix, Recurrence


class Spec(Protocol):
    """The sizes of a task that a model is built for. Any object with these attributes will do."""

    @property
    def inputs(self) -> int:
        """Size I of the input at each time step."""

    @property
    def outputs(self) -> int:
        """Size O of the output at each time step."""

    @property
    def start(self) -> int | None:
        """Size K of the code given at t = 0, or None if the task gives none."""

    @property
    def tokens(self) -> bool:
        """Whether inputs are int64 tokens (T, B) instead of floats (T, B, I)."""


class Network(nn.Module):
    """A recurrence and a read-out of its h.

    `recurrence` returns h at all times (T, B, N); `readout`, any module, maps h (..., N) to outputs (..., O). A state
    is that of the recurrence: (B, S), or (layers, B, S) for a `Stack`; S is N, or 2N for an LSTM. A subclass sets
    both and implements `initial`, and `hidden` if h is more or less than the hidden units.
    """

    recurrence: Recurrence
    readout: nn.Module

    @property
    def hidden(self) -> int:
        """Size N of the h that the read-out reads."""
        return self.recurrence.hidden

    def matrices(self) -> dict[str, Matrix]:
        """Return a description of every weight matrix of the network, by full parameter name.

        A recurrence describes its own, values of edges too. Any other parameter of two dimensions, such as that of a
        read-out, an encoder or an embedding, has one gate and is not recurrent.
        """
        described: dict[str, Matrix] = {}
        for path, module in self.named_modules():
            if isinstance(module, Recurrence):
                described |= {f"{path}.{name}": matrix for name, matrix in module.matrices().items()}
        names = [name for name, each in self.named_parameters() if each.dim() == 2 or name in described]
        return {name: described.get(name, Matrix()) for name in names}

    def initial(self, start: Tensor | None, state: Tensor | None) -> Tensor | None:
        """Return the first state (B, S), from a start code (B, K) or a carried state (B, S); None means zeros."""
        raise NotImplementedError

    def forward(
        self, inputs: Tensor, start: Tensor | None = None, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Run inputs (T, B, I) from a start code (B, K) or a state (B, S): outputs (T, B, O), last state (B, S)."""
        states, state = self.recurrence(inputs, self.initial(start, state))  # (T, B, N), (B, S)
        return self.readout(states), state  # (T, B, O), (B, S)

    def step(self, input: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run one time step: input (B, I) and state (B, S) give the output (B, O) and the next state (B, S)."""
        state = self.recurrence.step(input, self.initial(None, state))  # (B, S)
        return self.readout(self.recurrence.output(state)), state  # (B, O), (B, S)


def check_spec(model: str, spec: Spec, *, tokens: bool = False) -> None:
    """Raise `ModelError` for sizes below 1, tokens without an embedding, or floats where the model has one."""
    if spec.tokens and not tokens:
        raise ModelError(f"{model}: expected float inputs (T, B, I), got spec.tokens=True; tokens need an embedding")
    if tokens and not spec.tokens:
        raise ModelError(f"{model}: expected int64 tokens (T, B), got spec.tokens=False; floats have no embedding")
    for name, size in {"inputs": spec.inputs, "outputs": spec.outputs}.items():
        if size < 1:
            raise ModelError(f"{model}: expected a positive spec.{name}, got {size}")


def refuse_start(model: str, start: Tensor | None) -> None:
    """Raise `ModelError` if there is a start code, for a network that starts from zeros or a carried state."""
    if start is not None:
        raise ModelError(f"{model}: expected start=None, got a code of shape {tuple(start.shape)}")
