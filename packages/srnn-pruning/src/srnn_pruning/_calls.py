"""One call of a recurrent module, read as one sequence per cell, in the order in which the cell reads it."""

import inspect
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from ._cell import Cell, Recurrent
from ._torch_cells import Layer, is_torch_cell, is_torch_layer, torch_cells


@dataclass(frozen=True)
class Sequence:
    """What one cell reads: `inputs` (T, B, I) in the order of its steps, and the `state` (B, S) before the first.

    Inputs of a reverse direction are reversed. `lengths` (B,) is the number of steps of each sequence if they differ.
    Sequences are aligned at their ends: sequence b occupies the last `lengths[b]` of the T steps, and the steps before
    leave its state unchanged.
    """

    inputs: Tensor
    state: Tensor
    lengths: Tensor | None = None


@dataclass(frozen=True)
class Call:
    """Input and state of one call, detached copies; `state` is () where none was given.

    `continues`: whether the call starts from the state in which the previous call of the module ended.
    """

    input: Tensor | PackedSequence
    state: tuple[Tensor, ...]
    continues: bool = False

    @staticmethod
    def of(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> "Call":
        """Return the call `module(*args, **kwargs)`, whose first parameter is the input, the second the state."""
        names = ["input", "hx"]  # torch's
        if not is_torch_layer(module) and not is_torch_cell(module):
            names = list(inspect.signature(type(module).forward).parameters)[1:]
        arguments = {**dict(zip(names, args, strict=False)), **kwargs}
        input, state = arguments[names[0]], arguments.get(names[1])
        if isinstance(input, PackedSequence):
            return Call(input._replace(data=_copy(input.data)), _parts(state))
        return Call(_copy(input), _parts(state))

    @staticmethod
    def end(module: nn.Module, output: Any) -> tuple[Tensor, ...]:
        """Return the last state of a call, in parts, from what the call returned."""
        return _parts(output if is_torch_cell(module) else output[1])

    def continuing(self, end: tuple[Tensor, ...]) -> "Call":
        """Return this call with `continues` set, where `end` is the last state of the previous call."""
        same = len(end) == len(self.state) > 0 and all(map(_equal, self.state, end))
        return replace(self, continues=same)


def call_sequences(path: str, module: nn.Module, call: Call) -> dict[str, Sequence]:
    """Return one `Sequence` per cell of a module with this path, in the dtype of the weights."""
    dtype = next(parameter.dtype for parameter in module.parameters())
    if isinstance(module, Layer):
        return _layer_sequences(path, module, call, dtype)
    assert isinstance(call.input, Tensor)
    inputs, state = call.input.to(dtype), [part.to(dtype) for part in call.state]
    if is_torch_cell(module):
        inputs = inputs.reshape(1, -1, inputs.shape[-1])  # (1, B, I)
        state = [part.reshape(-1, part.shape[-1]) for part in state]  # (B, size) each
        size = torch_cells(path, module)[path].state_size
    else:
        size = cast(Recurrent, module).state_size
    start = torch.cat(state, dim=-1) if state else inputs.new_zeros(inputs.shape[1], size)  # (B, S)
    return {path: Sequence(inputs, start)}


def states(cell: Cell, sequence: Sequence) -> Tensor:
    """Return the states (T, B, S) of a cell after each step of a sequence."""
    state, visited = sequence.state, []
    steps = len(sequence.inputs)
    for step, x in enumerate(sequence.inputs):
        following = cell.step(x, state)  # (B, S)
        if sequence.lengths is not None:
            following = torch.where((step >= steps - sequence.lengths)[:, None], following, state)
        state = following
        visited.append(state)
    return torch.stack(visited)  # (T, B, S)


def _layer_sequences(path: str, layer: Layer, call: Call, dtype: torch.dtype) -> dict[str, Sequence]:
    cells = torch_cells(path, layer)
    inputs, lengths = _time_first(layer, call.input)  # (T, B, I), (B,)
    inputs = inputs.to(dtype)
    starts = _starts(list(cells.values()), call.state, inputs)
    directions = 2 if layer.bidirectional else 1
    sequences: dict[str, Sequence] = {}
    outputs: list[Tensor] = []
    for number, (key, cell) in enumerate(cells.items()):
        reverse = number % directions == 1
        sequences[key] = Sequence(_reading_order(inputs, lengths, reverse), starts[number], lengths)
        if number >= len(cells) - directions:
            continue  # nothing reads the last layer
        with torch.no_grad():
            h = cell.output(states(cell, sequences[key]))  # (T, B, H)
        outputs.append(_time_order(h, lengths, reverse))
        if number % directions == directions - 1:
            inputs, outputs = torch.cat(outputs, dim=-1), []  # (T, B, directions H)
    return sequences


def _time_first(layer: Layer, input: Tensor | PackedSequence) -> tuple[Tensor, Tensor | None]:
    """Return inputs (T, B, I), aligned at their beginning, and lengths (B,), or None if all sequences fill T."""
    if isinstance(input, PackedSequence):
        inputs, lengths = pad_packed_sequence(input)  # (T, B, I), (B,)
        lengths = lengths.to(inputs.device)
        return inputs, None if bool((lengths == len(inputs)).all()) else lengths
    if input.dim() == 2:
        return input[:, None], None  # unbatched
    return input.transpose(0, 1) if layer.batch_first else input, None


def _starts(cells: list[Cell], given: tuple[Tensor, ...], inputs: Tensor) -> list[Tensor]:
    """Return the first state (B, S) of each cell, from the parts of a given state, each (cells, B, size)."""
    if not given:
        return [inputs.new_zeros(inputs.shape[1], cell.state_size) for cell in cells]
    parts = [part[:, None] if part.dim() == 2 else part for part in given]
    return list(torch.cat(parts, dim=-1).to(inputs.dtype).unbind(0))


def _reading_order(inputs: Tensor, lengths: Tensor | None, reverse: bool) -> Tensor:
    """Return inputs (T, B, I), aligned at their beginning, in the order of the steps of a cell, aligned at the end."""
    if reverse:
        return inputs.flip(0)
    return inputs if lengths is None else _rolled(inputs, len(inputs) - lengths)


def _time_order(outputs: Tensor, lengths: Tensor | None, reverse: bool) -> Tensor:
    """Undo `_reading_order`."""
    if reverse:
        return outputs.flip(0)
    return outputs if lengths is None else _rolled(outputs, lengths - len(outputs))


def _rolled(values: Tensor, shifts: Tensor) -> Tensor:
    """Move sequence b of values (T, B, I) by `shifts[b]` steps towards the end, around."""
    steps = len(values)
    source = (torch.arange(steps, device=values.device)[:, None] - shifts) % steps  # (T, B)
    return values.gather(0, source[:, :, None].expand_as(values))


def _copy(value: Tensor) -> Tensor:
    with torch.inference_mode(False):  # an inference tensor could not be saved for backward
        return value.detach().clone()


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and torch.equal(one, other)


def _parts(state: Any) -> tuple[Tensor, ...]:
    """Return copies of the parts of a state: h alone, h and c, or none."""
    if state is None:
        return ()
    return (_copy(state),) if isinstance(state, Tensor) else tuple(map(_copy, state))
