"""Layers of one recurrence, one upon the other: the h of a layer is the input of the next."""

from typing import cast

import torch
from torch import Tensor, nn

from ._recurrence import Matrix, Recurrence, State, check_sequence, check_state
from ._recurrences import AnyRecurrence


class Stack(Recurrence):
    """A recurrence of several layers, `layers.0` (I -> N) first, the others N -> N; it gives the last layer's h.

    A state is the layers' states in one tensor (layers, B, S), the first layer's first.
    """

    layers: nn.ModuleList

    def __init__(self, value: AnyRecurrence, inputs: int, layers: int, *, generator: torch.Generator) -> None:
        super().__init__()
        sizes = [inputs] + [value.hidden] * (layers - 1)
        self.layers = nn.ModuleList([value.build(size, generator=generator) for size in sizes])
        self.inputs, self.hidden = inputs, value.hidden
        self.state_sizes = self._each()[0].state_sizes  # of each layer

    def matrices(self) -> dict[str, Matrix]:
        """Return the matrices of all layers, by parameter name, such as `layers.0.weight_hh`."""
        return {
            f"layers.{number}.{name}": matrix
            for number, layer in enumerate(self._each())
            for name, matrix in layer.matrices().items()
        }

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw the weights of all layers anew, the first layer's first."""
        for layer in self._each():
            layer.reset_parameters(generator=generator)

    def forward(self, inputs: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run inputs (T, B, I) from state (layers, B, S): the last layer's h (T, B, N), the last state of all."""
        check_sequence(inputs, self.inputs)
        states, ends = inputs, []
        for layer, begin in zip(self._each(), self._apart(inputs[0], state), strict=True):
            states, end = layer(states, begin)  # (T, B, N), (B, S)
            ends.append(end)
        return states, torch.stack(ends)  # (T, B, N), (layers, B, S)

    def step(self, input: Tensor, state: Tensor | None = None) -> Tensor:
        """One time step: input (B, I) and state (layers, B, S) give the next state (layers, B, S)."""
        ends = []
        for layer, begin in zip(self._each(), self._apart(input, state), strict=True):
            ends.append(layer.step(input, begin))  # (B, S)
            input = layer.output(ends[-1])  # (B, N)
        return torch.stack(ends)  # (layers, B, S)

    def output(self, state: State) -> Tensor:
        """Return the last layer's h (B, N) of a state (layers, B, S)."""
        return self._each()[-1].output(state[-1])

    def _each(self) -> list[Recurrence]:
        return [cast(Recurrence, layer) for layer in self.layers]

    def _apart(self, input: Tensor, state: Tensor | None) -> list[Tensor | None]:
        """The state of each layer, for input (B, I)."""
        if state is None:
            return [None] * len(self.layers)
        check_state(state, (len(self.layers), input.shape[0], self.state_size))
        return list(state.unbind(0))
