"""An LSTM whose outputs are its projected state, as torch's `nn.LSTM(proj_size=...)` (arXiv 1402.1128)."""

from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from .._errors import ModelError
from .._initialization import AnyInitialization, TorchUniform
from .._value import Value
from ..cells import ProjectedLSTMModule
from ._network import Network, Spec, check_spec, refuse_start


class ProjectedLSTM(Value):
    """y_t = W_hr (o tanh(c_t)), with the gates of an `LSTM` that read x_t and y_{t-1} instead of h_{t-1}.

    `hidden` is the number N of cells. The size of the projection is O, the number of outputs of the task, and the
    projection is the output: there is no read-out. The equations are those of torch's `nn.LSTM(I, N, proj_size=O)`,
    with two biases (`bias`) or none; O may also be N or more. `initialization`: the distribution of the initial
    weights, by default U(+-1/sqrt(N)), as in torch. With 2,500 inputs, 10 outputs and N = 11 it has 110,550 weights,
    of which 440 are recurrent.

    >>> from types import SimpleNamespace
    >>> spec = SimpleNamespace(inputs=2, outputs=3, start=None, tokens=False)
    >>> network = ProjectedLSTM(hidden=8).build(spec, generator=torch.Generator().manual_seed(0))
    >>> outputs, state = network(torch.zeros(10, 4, 2))
    >>> outputs.shape, state.shape, torch.equal(state[:, :3], outputs[-1])
    (torch.Size([10, 4, 3]), torch.Size([4, 11]), True)
    """

    kind: Literal["projected_lstm"] = "projected_lstm"
    hidden: PositiveInt
    bias: bool = True
    initialization: AnyInitialization = TorchUniform()

    def build(self, spec: Spec, *, generator: torch.Generator) -> "ProjectedLSTMNetwork":
        """Return the network for a task, with weights drawn from the generator, on its device."""
        check_spec("ProjectedLSTM", spec)
        if spec.start is not None:
            raise ModelError(f"ProjectedLSTM: expected a task without start code, got spec.start={spec.start}")
        return ProjectedLSTMNetwork(self, spec, generator=generator)


class ProjectedLSTMNetwork(Network):
    """The trainable network of a `ProjectedLSTM`. A state is h = y and c, (B, O + N); `readout` is the identity."""

    def __init__(self, value: ProjectedLSTM, spec: Spec, *, generator: torch.Generator) -> None:
        super().__init__()
        self.recurrence = ProjectedLSTMModule(
            spec.inputs, value.hidden, spec.outputs, value.bias, value.initialization, generator=generator
        )
        self.readout = nn.Identity()

    @property
    def hidden(self) -> int:
        """Number N of cells; `recurrence.hidden` is O."""
        return self.recurrence.state_sizes[1]

    def initial(self, start: Tensor | None, state: Tensor | None) -> Tensor | None:
        """Return the carried state (B, O + N), or None for zeros; a start code raises `ModelError`."""
        refuse_start("ProjectedLSTM", start)
        return state
