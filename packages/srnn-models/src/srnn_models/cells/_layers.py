"""Layers of one recurrence: the h of each layer is the input of the next."""

from typing import Protocol, cast

import torch
from torch import Tensor, nn

from .._errors import ModelError
from ._recurrence import Matrix, Recurrence, State, check_sequence, check_state


class Cell(Protocol):
    """The value of a recurrence, such as an `ElmanRNN`."""

    @property
    def hidden(self) -> int:
        """Size N of h."""

    def build(self, inputs: int, *, generator: torch.Generator) -> Recurrence:
        """Return the module for inputs of size I."""


class Stack(Recurrence):
    """A recurrence of several layers, `layers.0` (I -> N) first, the others N -> N; its h is that of the last layer.

    A state is one tensor (layers, B, S), with the state of the first layer first; `state_size` is the S of one layer.
    """

    layers: nn.ModuleList

    def __init__(self, value: Cell, inputs: int, layers: int, *, generator: torch.Generator) -> None:
        super().__init__()
        if layers < 1:
            raise ModelError(f"layers: expected at least 1, got {layers}")
        sizes = [inputs] + [value.hidden] * (layers - 1)
        self.layers = nn.ModuleList([value.build(size, generator=generator) for size in sizes])
        self.inputs, self.hidden, self.state_sizes = inputs, value.hidden, self._recurrences()[0].state_sizes

    def matrices(self) -> dict[str, Matrix]:
        """Return the matrices of all layers, by parameter name, such as `layers.0.weight_hh`."""
        return {
            f"layers.{number}.{name}": matrix
            for number, layer in enumerate(self._recurrences())
            for name, matrix in layer.matrices().items()
        }

    @property
    def gate_names(self) -> tuple[str, ...]:
        """Names of the gates of each layer."""
        return self._recurrences()[0].gate_names

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw the weights of all layers again, in place, the first layer's first."""
        for layer in self._recurrences():
            layer.reset_parameters(generator=generator)

    def forward(self, inputs: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run inputs (T, B, I) from state (layers, B, S): the last layer's h (T, B, N), the last state of all layers.

        Raises `ModelError` if inputs or state have another shape.
        """
        check_sequence(inputs, self.inputs)
        outputs, ends = inputs, []
        for layer, start in zip(self._recurrences(), self._layer_states(inputs[0], state), strict=True):
            outputs, end = layer(outputs, start)  # (T, B, N), (B, S)
            ends.append(end)
        return outputs, torch.stack(ends)  # (T, B, N), (layers, B, S)

    def step(self, input: Tensor, state: Tensor | None = None) -> Tensor:
        """Run one time step: input (B, I) and state (layers, B, S) give the next state (layers, B, S)."""
        ends = []
        for layer, start in zip(self._recurrences(), self._layer_states(input, state), strict=True):
            ends.append(layer.step(input, start))  # (B, S)
            input = layer.output(ends[-1])  # (B, N)
        return torch.stack(ends)  # (layers, B, S)

    def output(self, state: State) -> Tensor:
        """Return the last layer's h (B, N) of a state (layers, B, S)."""
        return self._recurrences()[-1].output(state[-1])

    def _recurrences(self) -> list[Recurrence]:
        return [cast(Recurrence, layer) for layer in self.layers]

    def _layer_states(self, input: Tensor, state: Tensor | None) -> list[Tensor | None]:
        """Return the state (B, S) of each layer, or None for each, for input (B, I)."""
        if state is None:
            return [None] * len(self.layers)
        check_state(state, (len(self.layers), input.shape[0], self.state_size))
        return list(state.unbind(0))
