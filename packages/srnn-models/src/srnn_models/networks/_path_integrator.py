"""The navigation network (arXiv 2406.06290, section 4.1 and App. A.1)."""

from typing import Literal

import torch
from torch import Tensor

from .._errors import ModelError
from .._linear import Linear
from .._value import Value
from ..cells import AnyRecurrence, ElmanRNN
from ._network import Network, Spec, check_spec


class PathIntegrator(Value):
    """h_0 = E p_0 with p_0 the code of the start, y_t = D h_t: encoder E and decoder D are linear, without bias.

    The default is the paper's network: 4096 ReLU neurons and no bias anywhere. A recurrence with bias is allowed. For
    an LSTM, E p_0 gives both h_0 and c_0.

    >>> from types import SimpleNamespace
    >>> spec = SimpleNamespace(inputs=2, outputs=16, start=16, tokens=False)
    >>> model = PathIntegrator(recurrence=ElmanRNN(hidden=8, nonlinearity="relu", bias=False))
    >>> network = model.build(spec, generator=torch.Generator().manual_seed(0))
    >>> outputs, state = network(torch.zeros(10, 3, 2), start=torch.ones(3, 16) / 16)
    >>> outputs.shape, state.shape
    (torch.Size([10, 3, 16]), torch.Size([3, 8]))
    """

    kind: Literal["path_integrator"] = "path_integrator"
    recurrence: AnyRecurrence = ElmanRNN(hidden=4096, nonlinearity="relu", bias=False)

    @property
    def hidden(self) -> int:
        """Size N of the h that the read-out reads."""
        return self.recurrence.hidden

    def build(self, spec: Spec, *, generator: torch.Generator) -> "PathNetwork":
        """Return the network for a task, with weights drawn from the generator, on its device."""
        check_spec("PathIntegrator", spec)
        if spec.start is None or spec.start < 1:
            raise ModelError(f"PathIntegrator: expected spec.start, the size of the start code, got {spec.start}")
        return PathNetwork(self, spec, spec.start, generator=generator)


class PathNetwork(Network):
    """The trainable network of a `PathIntegrator`; `encoder` maps a start code (B, K) to the first state (B, S)."""

    encoder: Linear

    def __init__(self, value: PathIntegrator, spec: Spec, start: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.encoder = Linear(start, value.recurrence.state_size, bias=False, generator=generator)
        self.recurrence = value.recurrence.build(spec.inputs, generator=generator)
        self.readout = Linear(value.recurrence.hidden, spec.outputs, bias=False, generator=generator)

    def initial(self, start: Tensor | None, state: Tensor | None) -> Tensor:
        """Return the encoded start code or the carried state, both (B, S); exactly one of them must be given."""
        if start is not None and state is None:
            size = self.encoder.weight.shape[1]
            if start.dim() != 2 or start.shape[1] != size:
                raise ModelError(f"PathIntegrator: expected start of shape (B, {size}), got {tuple(start.shape)}")
            return self.encoder(start)  # type: ignore[no-any-return]
        if state is None:
            raise ModelError("PathIntegrator: expected a start code (B, K) or a carried state (B, S), got neither")
        if start is not None:
            raise ModelError("PathIntegrator: expected a start code or a carried state, got both")
        return state
