"""The inference modules: a `CompactRecurrence` for each of our recurrences, `CompactLayers` for those of torch."""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from .._errors import ModelError
from ..cells import Matrix, check_sequence, check_state
from ._cells import CompactCell, Parts, to_columns, to_rows
from ._settings import OwnSettings, Settings, TorchSettings
from ._weights import Weight

TorchState = Tensor | tuple[Tensor, Tensor]


class Compact(nn.Module):
    """What both have in common: `settings`, and one cell per layer and direction. There is no parameter.

    settings: kind of cell and sizes. tensors: weights as modules and biases (gN,), by the names in the module that this
    one replaces.

    Raises `ModelError` for tensors that are missing, unknown or of another shape.
    """

    def __init__(self, settings: Settings, tensors: Mapping[str, Weight | Tensor]) -> None:
        super().__init__()
        self.settings = settings
        self.hidden = settings.hidden
        check_shapes(settings, {name: tuple(tensor.shape) for name, tensor in tensors.items()})
        self.cells = nn.ModuleList()
        for cell in settings.cell_tensors():
            present = {key: tensors[name] for key, name in cell.names.items() if name in tensors}
            self.cells.append(settings.build_cell(present))

    def named_tensors(self) -> dict[str, Weight | Tensor]:
        """Return weights and biases by the names in the module that this one replaces."""
        return {
            name: tensor
            for cell, described in zip(self.cells, self.settings.cell_tensors(), strict=True)
            for key, name in described.names.items()
            if (tensor := getattr(cell, key)) is not None
        }

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the weights."""
        return self._all_cells()[0].weight_hh.dtype

    def extra_repr(self) -> str:
        """Return kind of cell and sizes, for `print(module)`."""
        return f"{self.settings.cell}, {self.settings.inputs} -> {self.hidden}"

    def _all_cells(self) -> list[CompactCell]:
        return [cast(CompactCell, cell) for cell in self.cells]


class CompactRecurrence(Compact):
    """The inference module of an `ElmanRNN`, `LeakyRNN`, `GRU` or `LSTM`, with the call and the states of its module.

    Gradients are not recorded.
    """

    settings: OwnSettings

    def __init__(self, settings: OwnSettings, tensors: Mapping[str, Weight | Tensor]) -> None:
        super().__init__(settings, tensors)
        self.inputs = settings.inputs
        self.state_sizes = (settings.hidden,) * self._all_cells()[0].parts

    @property
    def state_size(self) -> int:
        """Size S of a state."""
        return sum(self.state_sizes)

    def matrices(self) -> dict[str, Matrix]:
        """Return an empty dict: no weight matrix is a parameter."""
        return {}

    def forward(self, inputs: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run inputs (T, B, I) from state (B, S): h at all times (T, B, N) and the last state (B, S).

        Raises `ModelError` if inputs or state have another shape.
        """
        check_sequence(inputs, self.inputs)
        states, parts = self._all_cells()[0].run(inputs.detach(), self._parts(inputs[0], state))
        return states, _join(parts)  # (T, B, N), (B, S)

    def step(self, input: Tensor, state: Tensor | None = None) -> Tensor:
        """Run one time step: input (B, I) and state (B, S) give the next state (B, S)."""
        _check_input(input, self.inputs)
        return _join(self._all_cells()[0].step(to_columns(input.detach()), self._parts(input, state)))  # (B, S)

    def output(self, state: Tensor) -> Tensor:
        """Return the h (B, N) of a state (B, S)."""
        return state if len(self.state_sizes) == 1 else state[..., : self.hidden]

    def _parts(self, input: Tensor, state: Tensor | None) -> Parts:
        """Return the parts of a state (B, S), or zeros for input (B, I)."""
        if state is None:
            return self._all_cells()[0].zeros(input.shape[0])
        check_state(state, (input.shape[0], self.state_size))
        return to_columns(state.detach()).chunk(len(self.state_sizes))


class CompactLayers(Compact):
    """The inference module of an `nn.RNN`, `nn.GRU` or `nn.LSTM`, with its call and states, and `step`.

    Gradients are not recorded, and there is no dropout between layers, in training mode either.
    """

    settings: TorchSettings

    def __init__(self, settings: TorchSettings, tensors: Mapping[str, Weight | Tensor]) -> None:
        super().__init__(settings, tensors)
        self.input_size, self.hidden_size, self.num_layers = settings.inputs, settings.hidden, settings.layers
        self.batch_first, self.bidirectional = settings.batch_first, settings.bidirectional

    def flatten_parameters(self) -> None:
        """Do nothing, since there are no parameters."""

    def forward(self, input: Tensor, hx: TorchState | None = None) -> tuple[Tensor, TorchState]:
        """Run inputs (T, B, I), (B, T, I) if `batch_first`, or (T, I) from a state, as the layers of torch do.

        Raises `ModelError` for a `PackedSequence`, and if inputs or state have another shape.
        """
        if isinstance(input, PackedSequence):
            raise ModelError("CompactLayers: expected a tensor of padded sequences, got a PackedSequence")
        if input.dim() == 2:  # without a batch
            given = None if hx is None else tuple(part[:, None] for part in self._given(hx))
            outputs, parts = self._run(input[:, None], given)
            return outputs[:, 0], self._state([part[:, 0] for part in parts])
        outputs, parts = self._run(input.transpose(0, 1) if self.batch_first else input, hx)
        return outputs.transpose(0, 1) if self.batch_first else outputs, self._state(parts)

    def step(self, input: Tensor, hx: TorchState | None = None) -> tuple[Tensor, TorchState]:
        """Run one time step of a batch: input (B, I) and a state give the output (B, N) and the next state.

        Raises `ModelError` if the layers are bidirectional, and if input or state have another shape.
        """
        if self.bidirectional:
            raise ModelError("step: expected layers of one direction, got bidirectional layers")
        _check_input(input, self.input_size)
        cells, x, ends = self._all_cells(), to_columns(input.detach()), []  # (I, B)
        for cell, state in zip(cells, self._columns(cells, hx, input.shape[0]), strict=True):
            ends.append(cell.step(x, state))
            x = ends[-1][0]  # (N, B)
        return to_rows(x).contiguous(), self._state(_stacked(ends))  # (B, N)

    def _run(self, inputs: Tensor, hx: Tensor | Parts | None) -> tuple[Tensor, list[Tensor]]:
        """Run inputs (T, B, I) from a state: outputs (T, B, N), each part of the last state (cells, B, N)."""
        check_sequence(inputs, self.input_size)
        cells, inputs, ends = self._all_cells(), inputs.detach(), []
        states = self._columns(cells, hx, inputs.shape[1])
        for forward in range(0, len(cells), self.settings.directions):
            outputs, end = cells[forward].run(inputs, states[forward])  # (T, B, N)
            ends.append(end)
            if self.bidirectional:
                backward, end = cells[forward + 1].run(inputs.flip(0), states[forward + 1])
                ends.append(end)
                outputs = torch.cat([outputs, backward.flip(0)], dim=-1)  # (T, B, 2N)
            inputs = outputs
        return inputs, _stacked(ends)

    def _columns(self, cells: list[CompactCell], hx: Tensor | Parts | None, batch: int) -> list[Parts]:
        """Return the state of each cell, from a state of torch or for zeros."""
        if hx is None:
            return [cell.zeros(batch) for cell in cells]
        given = self._given(hx)
        if len(given) != cells[0].parts:
            raise ModelError(f"state: expected {cells[0].parts} tensors, got {len(given)}")
        for part in given:
            check_state(part, (len(cells), batch, self.hidden))
        return [
            tuple(map(to_columns, parts)) for parts in zip(*(part.detach().unbind(0) for part in given), strict=True)
        ]

    def _given(self, hx: Tensor | Parts) -> Parts:
        return tuple(hx) if isinstance(hx, tuple | list) else (hx,)

    def _state(self, parts: list[Tensor]) -> TorchState:
        return parts[0] if len(parts) == 1 else (parts[0], parts[1])


def _check_input(input: Tensor, size: int) -> None:
    """Raise `ModelError` unless the input of a step is (B, size)."""
    if input.dim() != 2 or input.shape[1] != size:
        raise ModelError(f"input: expected shape (B, {size}), got {tuple(input.shape)}")


def check_shapes(settings: Settings, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise `ModelError` unless there are tensors of these names and shapes for all cells. Biases may be absent."""
    known: dict[str, tuple[int, ...]] = {}
    for cell in settings.cell_tensors():
        known |= {name: cell.shapes[key] for key, name in cell.names.items()}
        for key in ("weight_ih", "weight_hh"):
            if cell.names[key] not in shapes:
                raise ModelError(f"{cell.names[key]}: expected a weight, got none")
    for name, shape in shapes.items():
        if name not in known:
            raise ModelError(f"{name}: expected one of {', '.join(known)}")
        if shape != known[name]:
            raise ModelError(f"{name}: expected shape {known[name]}, got {shape}")


def _join(parts: Parts) -> Tensor:
    """Return the parts of a state as one tensor (B, S), in memory of its own."""
    return torch.cat([to_rows(part) for part in parts], dim=-1)


def _stacked(states: list[Parts]) -> list[Tensor]:
    """Return each part of the states of all cells as one tensor (cells, B, N), in memory of its own."""
    return [torch.stack([to_rows(part) for part in parts]) for parts in zip(*states, strict=True)]
