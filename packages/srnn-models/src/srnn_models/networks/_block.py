"""The block RNN, whose outputs are part of its state.

Hershey and Paffenroth, "Balancing Sparse RNNs with Hyperparameterization Benefiting Meta-Learning", equation 1 and the
block form of it.
"""

from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from .._errors import ModelError
from .._initialization import AnyInitialization, Normal
from .._value import Value
from ..cells import BlockModule
from ._network import Network, Spec, check_spec, refuse_start

BLOCKS = ("hx", "hh", "hy", "yx", "yh", "yy")


class BlockRNN(Value):
    """N hidden units H and O outputs Y that read the input x, each other and themselves, through six blocks of weights.

    H_t = relu(W_hx x_t + W_hh H_{t-1} + W_hy Y_{t-1} + b_h), Y_t = W_yx x_t + W_yh H + W_yy Y_{t-1} + b_y, and both are
    0 before the first step. O is the number of outputs of the task; there is no read-out.

    `reads`: the H in Y_t. "before" is H_{t-1} (the block form, z_t = f(W z_{t-1})): what the hidden units compute from
    an input reaches the outputs one step later, so a task whose last scored step has an input needs "after", which is
    H_t (eq. 1).

    `hx` to `yy`: the distributions of the initial weights of the blocks, named by target and source. The bias is
    drawn from U(+-1/sqrt(I + N + O)).

    The blocks are the parameters `recurrence.weight_hx` to `recurrence.weight_yy`, and a sparse block is one with a
    mask. With reads="after" and masks of density 0 on W_hh, W_hy, W_yx and W_yy it is a perceptron with one hidden
    layer, applied to each time step.

    >>> from types import SimpleNamespace
    >>> spec = SimpleNamespace(inputs=2, outputs=3, start=None, tokens=False)
    >>> network = BlockRNN(hidden=8).build(spec, generator=torch.Generator().manual_seed(0))
    >>> outputs, state = network(torch.zeros(10, 4, 2))
    >>> outputs.shape, state.shape, torch.equal(state[:, 8:], outputs[-1])
    (torch.Size([10, 4, 3]), torch.Size([4, 11]), True)
    """

    kind: Literal["block"] = "block"
    hidden: PositiveInt
    reads: Literal["before", "after"] = "before"
    hx: AnyInitialization = Normal(sd=0.05)
    hh: AnyInitialization = Normal(sd=0.05)
    hy: AnyInitialization = Normal(sd=0.05)
    yx: AnyInitialization = Normal(sd=0.05)
    yh: AnyInitialization = Normal(sd=0.05)
    yy: AnyInitialization = Normal(sd=0.05)

    def build(self, spec: Spec, *, generator: torch.Generator) -> "BlockNetwork":
        """Return the network for a task, with weights drawn from the generator, on its device."""
        check_spec("BlockRNN", spec)
        if spec.start is not None:
            raise ModelError(f"BlockRNN: expected a task without start code, got spec.start={spec.start}")
        return BlockNetwork(self, spec, generator=generator)


class BlockNetwork(Network):
    """The trainable network of a `BlockRNN`. A state is z = (H, Y), (B, N + O), which is also the h of `recurrence`."""

    def __init__(self, value: BlockRNN, spec: Spec, *, generator: torch.Generator) -> None:
        super().__init__()
        self.recurrence = BlockModule(
            spec.inputs,
            value.hidden,
            spec.outputs,
            value.reads,
            {block: getattr(value, block) for block in BLOCKS},
            generator=generator,
        )
        self.readout = LastUnits(spec.outputs)

    @property
    def hidden(self) -> int:
        """Number N of hidden units; `recurrence.hidden` is N + O."""
        return self.recurrence.state_sizes[0]

    def initial(self, start: Tensor | None, state: Tensor | None) -> Tensor | None:
        """Return the carried state (B, N + O), or None for zeros; a start code raises `ModelError`."""
        refuse_start("BlockRNN", start)
        return state


class LastUnits(nn.Module):
    """The last `size` of the units (..., N + O); it has no parameters."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, units: Tensor) -> Tensor:
        """Return the last units (..., size) of (..., N + O)."""
        return units[..., -self.size :]

    def extra_repr(self) -> str:
        """Return the number of units, for `print(module)`."""
        return str(self.size)
