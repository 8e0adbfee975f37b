"""Cells of torch's recurrent layers: one time step of `nn.RNN`, `nn.GRU`, `nn.LSTM` and their cells, as a function.

The kernels of torch's layers cannot be stepped, differentiated in forward mode or mapped by `vmap`. These steps use the
weights of the layers and the equations in torch's documentation: gates r, z, n and i, f, g, o; the reset gate of a GRU
acts after the product with W_hn; two biases or none.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._cell import Cell

Layer = nn.RNN | nn.GRU | nn.LSTM
LayerCell = nn.RNNCell | nn.GRUCell | nn.LSTMCell
Step = Callable[[Tensor, Tensor], Tensor]


def is_torch_layer(module: nn.Module) -> bool:
    """Return whether a module is an `nn.RNN`, `nn.GRU` or `nn.LSTM`."""
    return isinstance(module, Layer)


def is_torch_cell(module: nn.Module) -> bool:
    """Return whether a module is an `nn.RNNCell`, `nn.GRUCell` or `nn.LSTMCell`, which runs one step per call."""
    return isinstance(module, LayerCell)


def torch_cells(path: str, module: nn.Module) -> dict[str, Cell]:
    """Return the cells of a layer or cell of torch with this path: layer by layer, the reverse direction second."""
    prefix = f"{path}." if path else ""
    if isinstance(module, LayerCell):
        return {path: _cell(prefix, module, "", module.input_size, module.hidden_size)}
    assert isinstance(module, Layer)
    directions = ("", "_reverse") if module.bidirectional else ("",)
    hidden = module.proj_size or module.hidden_size
    cells = {}
    for number in range(module.num_layers):
        inputs = module.input_size if number == 0 else hidden * len(directions)
        for direction in directions:
            suffix = f"l{number}{direction}"
            cells[prefix + suffix] = _cell(prefix, module, f"_{suffix}", inputs, hidden)
    return cells


def _cell(prefix: str, module: Layer | LayerCell, suffix: str, inputs: int, hidden: int) -> Cell:
    lstm = isinstance(module, nn.LSTM | nn.LSTMCell)
    gates = ("i", "f", "g", "o") if lstm else ("r", "z", "n") if isinstance(module, nn.GRU | nn.GRUCell) else ("h",)
    weights = {"input": (f"{prefix}weight_ih{suffix}",), "recurrent": (f"{prefix}weight_hh{suffix}",)}
    if getattr(module, "proj_size", 0):
        weights["projection"] = (f"{prefix}weight_hr{suffix}",)
    return Cell(
        step=_step(module, suffix),
        output=lambda state: state[..., :hidden],
        inputs=inputs,
        hidden=hidden,
        state_size=hidden + module.hidden_size if lstm else hidden,
        gates=gates,
        weights=weights,
    )


def _step(module: Layer | LayerCell, suffix: str) -> Step:
    """Return the step (B, I), (B, S) -> (B, S) with the parameters of this suffix, read anew at each call."""

    def read(name: str) -> Tensor | None:
        return getattr(module, name + suffix, None)

    def drive(x: Tensor) -> Tensor:  # W_ih x + b_ih, (B, gN)
        return functional.linear(x, _weight(module, "weight_ih" + suffix), read("bias_ih"))

    def recur(h: Tensor) -> Tensor:  # W_hh h + b_hh, (B, gN)
        return functional.linear(h, _weight(module, "weight_hh" + suffix), read("bias_hh"))

    def gru(x: Tensor, h: Tensor) -> Tensor:
        drive_r, drive_z, drive_n = drive(x).chunk(3, dim=-1)  # (B, N) each
        recur_r, recur_z, recur_n = recur(h).chunk(3, dim=-1)  # (B, N) each
        z = torch.sigmoid(drive_z + recur_z)  # (B, N)
        n = torch.tanh(drive_n + torch.sigmoid(drive_r + recur_r) * recur_n)  # (B, N)
        return n + z * (h - n)

    def lstm(x: Tensor, state: Tensor) -> Tensor:
        size = module.hidden_size
        h, c = state[..., :-size], state[..., -size:]  # (B, H), (B, N)
        i, f, g, o = (drive(x) + recur(h)).chunk(4, dim=-1)  # (B, N) each
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)  # (B, N)
        h = torch.sigmoid(o) * torch.tanh(c)  # (B, N)
        if getattr(module, "proj_size", 0):
            h = functional.linear(h, _weight(module, "weight_hr" + suffix))  # (B, H)
        return torch.cat([h, c], dim=-1)  # (B, S)

    if isinstance(module, nn.LSTM | nn.LSTMCell):
        return lstm
    if isinstance(module, nn.GRU | nn.GRUCell):
        return gru
    activation = _ACTIVATIONS[module.nonlinearity]
    return lambda x, h: activation(drive(x) + recur(h))


def _weight(module: nn.Module, name: str) -> Tensor:
    weight: Tensor = getattr(module, name)
    return weight


_ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "relu": torch.relu}
