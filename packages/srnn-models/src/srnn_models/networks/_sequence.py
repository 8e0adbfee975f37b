"""A recurrence and a linear read-out, for sequences of floats."""

from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor

from .._errors import ModelError
from .._initialization import AnyInitialization, TorchUniform
from .._linear import Linear
from .._value import Value
from ..cells import AnyRecurrence, Stack
from ._network import Network, Spec, check_spec, refuse_start


class SequenceModel(Value):
    """y_t = V h_t + c, with h_t of the last of `layers` layers and h_0 = 0. `bias`: whether there is a c.

    `readout_initialization`: the distribution of the initial V and c, by default U(+-1/sqrt(N)), as in `nn.Linear`.

    >>> from types import SimpleNamespace
    >>> from srnn_models import ElmanRNN
    >>> spec = SimpleNamespace(inputs=2, outputs=1, start=None, tokens=False)
    >>> model = SequenceModel(recurrence=ElmanRNN(hidden=8))
    >>> network = model.build(spec, generator=torch.Generator().manual_seed(0))
    >>> outputs, state = network(torch.zeros(10, 3, 2))
    >>> outputs.shape, state.shape
    (torch.Size([10, 3, 1]), torch.Size([3, 8]))
    """

    kind: Literal["sequence"] = "sequence"
    recurrence: AnyRecurrence
    bias: bool = True
    layers: PositiveInt = 1
    readout_initialization: AnyInitialization = TorchUniform()

    @property
    def hidden(self) -> int:
        """Size N of the h that the read-out reads."""
        return self.recurrence.hidden

    def build(self, spec: Spec, *, generator: torch.Generator) -> "SequenceNetwork":
        """Return the network for a task, with weights drawn from the generator, on its device."""
        check_spec("SequenceModel", spec)
        if spec.start is not None:
            raise ModelError(f"SequenceModel: expected a task without start code, got spec.start={spec.start}")
        return SequenceNetwork(self, spec, generator=generator)


class SequenceNetwork(Network):
    """The trainable network of a `SequenceModel`.

    One layer is the `recurrence` itself; several are a `Stack`, whose state is (layers, B, S).
    """

    def __init__(self, value: SequenceModel, spec: Spec, *, generator: torch.Generator) -> None:
        super().__init__()
        if value.layers == 1:
            self.recurrence = value.recurrence.build(spec.inputs, generator=generator)
        else:
            self.recurrence = Stack(value.recurrence, spec.inputs, value.layers, generator=generator)
        how = value.readout_initialization
        size = self.recurrence.hidden
        self.readout = Linear(size, spec.outputs, value.bias, initialization=how, generator=generator)

    def initial(self, start: Tensor | None, state: Tensor | None) -> Tensor | None:
        """Return the carried state, (B, S) or (layers, B, S), or None for zeros; a start code raises `ModelError`."""
        refuse_start("SequenceModel", start)
        return state
