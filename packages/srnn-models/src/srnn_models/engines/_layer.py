"""One layer of `nn.RNN`, `nn.GRU` or `nn.LSTM` in one direction: by torch's own function, or by a pass over time.

Layouts are those of the passes: x (T, I, B), h (T, N, B). A state is a tuple of h, and for an LSTM of c, (N, B) each.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ._elman import elman
from ._gru import gru
from ._lstm import lstm
from ._product import Product
from ._replay import Loop

FUNCTIONS = {"RNN_TANH": torch.rnn_tanh, "RNN_RELU": torch.rnn_relu, "GRU": torch.gru}
NONLINEARITIES = {"RNN_TANH": "tanh", "RNN_RELU": "relu"}


class LayerWeights(NamedTuple):
    """The weights as torch names them: (gN, I), (gN, N), and two biases (gN,) or None, for g gates."""

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None = None
    bias_hh: Tensor | None = None


def layer_by_torch(
    mode: str, weights: LayerWeights, x: Tensor, state: tuple[Tensor, ...]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return h at all times and the last state, by torch's function for a mode such as "GRU"."""
    given = [weight for weight in weights if weight is not None]
    options = (len(given) > 2, 1, 0.0, False, False, False)  # biases, layers, dropout, training, both ways, batch first
    start = [part.t()[None] for part in state]  # (1, B, N) each
    if mode == "LSTM":
        states, *last = torch.lstm(x.mT, start, given, *options)
    else:
        states, *last = FUNCTIONS[mode](x.mT, start[0], given, *options)
    return states.mT, tuple(part[0].t() for part in last)


def layer_by_product(
    product: Product, mode: str, weights: LayerWeights, x: Tensor, state: tuple[Tensor, ...]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return h at all times and the last state, by a pass with its own backward. product: that of `weight_hh`."""
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    loop = _replayed(mode)
    if mode == "GRU":
        states = gru(product, loop, x, weight_ih, bias_ih, weight_hh, bias_hh, *state)
        return states, (states[-1],)
    bias = None if bias_ih is None or bias_hh is None else bias_ih + bias_hh
    if mode == "LSTM":
        states, c = lstm(product, loop, x, weight_ih, bias, weight_hh, *state)
        return states, (states[-1], c)
    states = elman(product, loop, NONLINEARITIES[mode], x, weight_ih, bias, weight_hh, *state)
    return states, (states[-1],)


def _replayed(mode: str) -> Loop:
    """Return torch's function as a function of the tensors of a pass, to be differentiated again."""

    def loop(x: Tensor, weight_ih: Tensor, bias: Tensor | None, weight: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        bias_hh = None if bias is None else torch.zeros_like(bias)  # `bias` is the sum of torch's two
        if mode == "GRU":
            bias_hh, state = state[0], state[1:]
        states, last = layer_by_torch(mode, LayerWeights(weight_ih, weight, bias, bias_hh), x, state)
        return states, *last[1:]

    return loop
