"""Hidden proportion of a module: share of the weights of its recurrent units that read the state of the step before.

Hershey & Paffenroth, "Balancing sparse RNNs with hyperparameterization benefiting meta-learning" (arXiv 2509.15057),
equation 12.
"""

from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Protocol, cast

from torch import nn

from ._errors import MaskError
from .wearing import masks

_HIDDEN_ROW = ("weight_hx", "weight_hh", "weight_hy")


class Matrix(Protocol):
    """Where the columns of a weight are read."""

    @property
    def source(self) -> str:
        """The "input" of the step, the "state" before it, or a value computed within the "step"."""


class Recurrent(Protocol):
    """A recurrent layer that describes its weight matrices."""

    def matrices(self) -> Mapping[str, Matrix]:
        """Return a description of each weight matrix, by parameter name."""


def hidden_proportion(module: nn.Module) -> float:
    """Return the hidden proportion of the recurrent layers of a module, in [0, 1], counting present weights.

    A weight is present unless a mask of this package removes it. Weights that are read from the state of the step
    before (W_hh of all gates, W_ch of a peephole) are divided by all weights into the recurrent units. Read-outs,
    encoders and biases are not counted, nor is the projection of an LSTM (W_hr). Several layers or directions are added
    up; what a layer reads from the layer below is input.

    Recurrent layers are `nn.RNN`, `nn.GRU`, `nn.LSTM` and their cells; modules with the weights `weight_hx`,
    `weight_hh` and `weight_hy` of a block RNN; and modules that offer `matrices()` (see `Recurrent`). A module that
    contains other recurrent layers is not one itself.

    Raises MaskError if there is no recurrent layer, or if masks leave it no weight.

    >>> hidden_proportion(nn.LSTM(2500, 11, proj_size=10))  # 4 * 11 * 10 weights of 4 * 11 * 2510
    0.00398406374501992
    """
    reading_state = present = 0
    layers = list(_recurrences(module))
    if not layers:
        raise MaskError(
            "hidden_proportion: expected a recurrent layer (nn.RNN, nn.GRU, nn.LSTM, their cells, a module with "
            f"{', '.join(_HIDDEN_ROW)} or one with matrices()), got a {type(module).__name__} without any"
        )
    for layer in layers:
        current = masks(layer)
        for name, recurrent in _hidden_row(layer).items():
            count = int(current[name].sum()) if name in current else attrgetter(name)(layer).numel()
            present += count
            reading_state += count if recurrent else 0
    if not present:
        raise MaskError(f"hidden_proportion: expected a present weight in {type(module).__name__}, got none")
    return reading_state / present


def _recurrences(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the recurrent layers of a module that contain no other."""
    for layer in module.modules():
        if _is_recurrent(layer) and not any(_is_recurrent(inner) for inner in layer.modules() if inner is not layer):
            yield layer


def _is_recurrent(module: nn.Module) -> bool:
    is_torch = isinstance(module, nn.RNNBase | nn.RNNCellBase)
    return is_torch or _is_block(module) or callable(getattr(module, "matrices", None))


def _is_block(module: nn.Module) -> bool:
    return all(hasattr(module, name) for name in _HIDDEN_ROW)


def _hidden_row(layer: nn.Module) -> dict[str, bool]:
    """Return the names of the weights into the recurrent units, and whether they are read from the state."""
    if _is_block(layer):
        return {name: name == "weight_hh" for name in _HIDDEN_ROW}
    if isinstance(layer, nn.RNNCellBase):
        return {"weight_ih": False, "weight_hh": True}
    if isinstance(layer, nn.RNNBase):
        directions = ("", "_reverse") if layer.bidirectional else ("",)
        ends = [f"_l{number}{direction}" for number in range(layer.num_layers) for direction in directions]
        return {f"weight_{part}{end}": part == "hh" for end in ends for part in ("ih", "hh")}
    described = cast(Recurrent, layer).matrices()
    return {name: matrix.source == "state" for name, matrix in described.items() if matrix.source != "step"}
