"""`nn.RNN`, `nn.GRU` and `nn.LSTM` after `accelerate`: subclasses that are set as the class of an existing module.

The module stays the same object with the same parameters, buffers, hooks and `state_dict`. Its class must be importable
where a pickled module is read.
"""

from collections.abc import Iterator
from typing import Any, Protocol

from torch import nn


class LayerAcceleration(Protocol):
    """How `accelerate` has a module of torch run. As text: the engine and those that have run."""

    engine: str

    @property
    def used(self) -> tuple[str, ...]:
        """The engines that have run since."""

    def run(self, module: Any, input: Any, hx: Any) -> Any:
        """Return what `forward` returns, or None if torch's own forward pass is to run."""


class Accelerated(nn.RNNBase):
    """A module of torch with an `acceleration`; without one it runs torch's own forward pass."""

    acceleration: LayerAcceleration | None = None

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Return what the class of torch returns, up to rounding."""
        found = None if self.acceleration is None else self.acceleration.run(self, input, hx)
        return super().forward(input, hx) if found is None else found

    def _get_name(self) -> str:
        """Return the class of torch and the engine, such as "GRU[auto: sparse]", for `print(module)`."""
        name = torch_class(type(self)).__name__
        return name if self.acceleration is None else f"{name}[{self.acceleration}]"

    def __prepare_scriptable__(self) -> nn.Module:
        """Undo `accelerate`: `torch.jit.script` compiles the forward pass of torch's own class."""
        restore(self)
        return self


class AcceleratedRNN(Accelerated, nn.RNN):
    """An `nn.RNN` after `accelerate`."""


class AcceleratedGRU(Accelerated, nn.GRU):
    """An `nn.GRU` after `accelerate`."""


class AcceleratedLSTM(Accelerated, nn.LSTM):
    """An `nn.LSTM` after `accelerate`."""


FAST: dict[type, type[Accelerated]] = {nn.RNN: AcceleratedRNN, nn.GRU: AcceleratedGRU, nn.LSTM: AcceleratedLSTM}
PLAIN: dict[type, type[nn.RNNBase]] = {fast: plain for plain, fast in FAST.items()}


def torch_layers(model: nn.Module) -> tuple[dict[str, nn.RNNBase], dict[str, nn.RNNBase]]:
    """Return the modules of torch in a model that can be accelerated, and those that cannot, by name.

    Only exact classes can: a subclass may change what a forward pass computes, and a parametrized module is one.
    """
    layers = {name: module for name, module in model.named_modules() if isinstance(module, nn.RNNBase)}
    exact = {name: module for name, module in layers.items() if type(module) in FAST or type(module) in PLAIN}
    return exact, {name: module for name, module in layers.items() if name not in exact}


def torch_class(kind: type[Any]) -> type[Any]:
    """Return a class of modules, and that of torch for an accelerated one."""
    plain: type[Any] = PLAIN.get(kind, kind)
    return plain


def layer_suffixes(layers: int, bidirectional: bool) -> Iterator[str]:
    """Give torch's suffix of each layer and direction in the names of weights: "l0", "l0_reverse", "l1" and so on.

    One at a time, because a file may claim any number of layers.
    """
    directions = ("", "_reverse") if bidirectional else ("",)
    return (f"l{number}{direction}" for number in range(layers) for direction in directions)


def install(module: nn.Module, acceleration: Any) -> None:
    """Set the acceleration of a module of torch or of ours, in place."""
    module.__class__ = FAST.get(type(module), type(module))
    module.acceleration = acceleration


def restore(module: nn.RNNBase) -> None:
    """Undo `install`: the module has the class of torch again."""
    module.__class__ = torch_class(type(module))
    vars(module).pop("acceleration", None)
