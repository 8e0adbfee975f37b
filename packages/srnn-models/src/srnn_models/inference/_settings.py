"""What determines an inference module besides its tensors, as values that are stored in its file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt

from .._torch_layers import layer_suffixes
from .._value import Value
from ._cells import CompactCell, GRUCell, LSTMCell, RateCell

CELLS: dict[str, type[CompactCell]] = {"rate": RateCell, "gru": GRUCell, "lstm": LSTMCell}


@dataclass(frozen=True)
class CellTensors:
    """The tensors of one cell: the name in its module, and the shape, of each tensor that it may have.

    The keys are those of `CompactCell`: weight_ih, weight_hh, bias_ih and bias_hh.
    """

    names: Mapping[str, str]
    shapes: Mapping[str, tuple[int, ...]]


class Settings(Value):
    """The equations and sizes of a recurrence: I inputs and N neurons."""

    cell: Literal["rate", "gru", "lstm"]
    inputs: PositiveInt
    hidden: PositiveInt
    nonlinearity: Literal["tanh", "relu", "softplus"] = "tanh"
    alpha: Annotated[float, Field(gt=0, le=1)] = 1.0

    def cell_tensors(self) -> Iterator[CellTensors]:
        """Give the tensors of each cell."""
        raise NotImplementedError

    def build_cell(self, tensors: Mapping[str, Any]) -> CompactCell:
        """Return a cell with these tensors: weights as modules."""
        if self.cell == "rate":
            return RateCell(self.nonlinearity, self.alpha, **tensors)
        return CELLS[self.cell](**tensors)

    def _shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        rows = CELLS[self.cell].gates * self.hidden
        return {"weight_ih": (rows, inputs), "weight_hh": (rows, self.hidden), "bias_ih": (rows,), "bias_hh": (rows,)}


class OwnSettings(Settings):
    """Those of an `ElmanRNN`, `LeakyRNN`, `GRU` or `LSTM`."""

    kind: Literal["srnn"] = "srnn"

    def cell_tensors(self) -> Iterator[CellTensors]:
        """Give the tensors of the cell. `ElmanRNN` and `LeakyRNN` name the first bias `bias`."""
        names = {name: name for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
        if self.cell == "rate":
            names["bias_ih"] = "bias"
        yield CellTensors(names, self._shapes(self.inputs))


class TorchSettings(Settings):
    """Those of an `nn.RNN`, `nn.GRU` or `nn.LSTM`."""

    kind: Literal["torch"] = "torch"
    layers: PositiveInt = 1
    batch_first: bool = False
    bidirectional: bool = False

    @property
    def directions(self) -> int:
        """1, or 2 if bidirectional."""
        return 1 + self.bidirectional

    def cell_tensors(self) -> Iterator[CellTensors]:
        """Give the tensors of each cell: layer by layer, and of one layer the forward direction first."""
        for number, suffix in enumerate(layer_suffixes(self.layers, self.bidirectional)):
            inputs = self.inputs if number < self.directions else self.directions * self.hidden
            names = {name: f"{name}_{suffix}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
            yield CellTensors(names, self._shapes(inputs))


AnySettings = Annotated[OwnSettings | TorchSettings, Field(discriminator="kind")]
