"""One call of a recurrent module as one `Sequence` per cell, in the order in which the cell reads it."""

from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from ._calls import Call
from ._cell import Cell, Recurrent
from ._dynamics import visited
from ._errors import PruningError
from ._sequence import Sequence
from ._torch_cells import Layer, is_torch_cell, torch_cells


def call_sequences(path: str, module: nn.Module, call: Call) -> dict[str, Sequence]:
    """Return one `Sequence` per cell of a module with this path, in the dtype of the weights.

    Raises PruningError, which names the module, if input and state do not have the sizes of its cells.
    """
    dtype = next(parameter.dtype for parameter in module.parameters())
    if isinstance(module, Layer):
        return _layer_sequences(path, module, call, dtype)
    assert isinstance(call.input, Tensor)
    inputs, state = call.input.to(dtype), [part.to(dtype) for part in call.state]
    if is_torch_cell(module):
        cell = torch_cells(path, module)[path]
        sizes = cell.inputs, cell.state_size
    else:
        sizes = cast(Recurrent, module).inputs, cast(Recurrent, module).state_size
    _check_sizes(path, module, inputs, state, sizes)
    if is_torch_cell(module):
        inputs = inputs.reshape(1, -1, inputs.shape[-1])  # (1, B, I)
        state = [part.reshape(-1, part.shape[-1]) for part in state]  # (B, size) each
    start = torch.cat(state, dim=-1) if state else inputs.new_zeros(inputs.shape[1], sizes[1])  # (B, S)
    return {path: Sequence(inputs, start)}


def _layer_sequences(path: str, layer: Layer, call: Call, dtype: torch.dtype) -> dict[str, Sequence]:
    cells = torch_cells(path, layer)
    first = next(iter(cells.values()))
    data = call.input.data if isinstance(call.input, PackedSequence) else call.input
    _check_sizes(path, layer, data, call.state, (first.inputs, first.state_size))
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
            states = torch.stack(visited(cell, sequences[key])[1:])  # (T, B, S)
            h = cell.output(states)  # (T, B, H)
        outputs.append(_time_order(h, lengths, reverse))
        if number % directions == directions - 1:
            inputs, outputs = torch.cat(outputs, dim=-1), []  # (T, B, directions H)
    return sequences


def _check_sizes(path: str, module: nn.Module, inputs: Tensor, state: Iterable[Tensor], sizes: tuple[int, int]) -> None:
    """Raise PruningError if the last dimensions of input and state are not I and S (over all parts of the state)."""
    name = path or type(module).__name__
    if inputs.shape[-1:] != sizes[:1]:
        raise PruningError(
            f"{name}: expected as its first argument an input whose last dimension is {sizes[0]}, got shape "
            f"{tuple(inputs.shape)}"
        )
    shapes = [tuple(part.shape) for part in state]
    if shapes and sum(shape[-1] if shape else 1 for shape in shapes) != sizes[1]:
        raise PruningError(
            f"{name}: expected as its second argument a state with {sizes[1]} entries per sample, got shapes {shapes}"
        )


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
