"""What every network offers, and what it wants to know of a task."""

from typing import Protocol

from torch import Tensor, nn

from ._linear import Linear
from ._recurrence import Recurrence


class Spec(Protocol):
    """What a model must know of a task to be built. Any object with these attributes will do."""

    @property
    def inputs(self) -> int:
        """Size I of the input at each time step."""

    @property
    def outputs(self) -> int:
        """Size O of the output at each time step."""

    @property
    def start(self) -> int | None:
        """Size K of the code given at t = 0, or None where the task gives none."""

    @property
    def tokens(self) -> bool:
        """Whether inputs are int64 tokens (T, B) instead of floats (T, B, I)."""


class Network(nn.Module):
    """A recurrence and a linear read-out of its states.

    `recurrence` gives all states (T, B, N), `readout` maps states (..., N) to outputs (..., O).
    """

    recurrence: Recurrence
    readout: Linear

    def initial(self, start: Tensor | None, state: Tensor | None) -> Tensor | None:
        """The state (B, N) to begin from, given a start code (B, K) or a carried state (B, N); None means zeros."""
        raise NotImplementedError

    def forward(
        self, inputs: Tensor, start: Tensor | None = None, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Run inputs (T, B, I) from a start code (B, K) or a state (B, N): outputs (T, B, O), last state (B, N)."""
        states, state = self.recurrence(inputs, self.initial(start, state))  # (T, B, N), (B, N)
        return self.readout(states), state

    def step(self, input: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """One time step: input (B, I) and state (B, N) give the output (B, O) and the next state (B, N)."""
        state = self.recurrence.step(input, self.initial(None, state))
        return self.readout(state), state


def check_spec(model: str, spec: Spec) -> None:
    """Refuse sizes below 1, and tokens, which need a model with an embedding."""
    if spec.tokens:
        raise ValueError(f"{model}: expected float inputs (T, B, I), got spec.tokens=True; tokens need an embedding")
    for name, size in {"inputs": spec.inputs, "outputs": spec.outputs}.items():
        if size < 1:
            raise ValueError(f"{model}: expected a positive spec.{name}, got {size}")
