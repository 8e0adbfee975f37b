"""The module of a block RNN: a recurrence of hidden units and outputs, whose weights are six blocks.

Hershey and Paffenroth, "Balancing Sparse RNNs with Hyperparameterization Benefiting Meta-Learning", equation 1 and the
block form of it.
"""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from .._draw import empty, uniform_
from .._errors import ModelError
from .._initialization import Initialization
from ..engines import block
from ._recurrence import Matrix, Recur, Recurrence, State

Reads = Literal["before", "after"]


class BlockModule(Recurrence):
    """The recurrence of a `BlockRNN`, of N + O units: its h is the state z = (H, Y), hidden units first.

    H_t = relu(W_hx x_t + W_hh H_{t-1} + W_hy Y_{t-1} + b_h), and Y_t = W_yx x_t + W_yh H + W_yy Y_{t-1} + b_y, where H
    is H_{t-1} for reads="before" and H_t for reads="after".

    Parameters: `weight_hx` (N, I), `weight_hh` (N, N), `weight_hy` (N, O), `weight_yx` (O, I), `weight_yh` (O, N),
    `weight_yy` (O, O) and `bias` (N + O,), b_h first. Row = target, column = source. Each weight is drawn from the
    distribution of its block, the bias from U(+-1/sqrt(I + N + O)).

    Args:
        inputs: I.
        hidden: N.
        outputs: O.
        reads: The hidden units that Y reads: those before the step or those after it.
        initializations: The distribution of each block, by its name: "hx", "hh", "hy", "yx", "yh" and "yy".
        generator: The weights are drawn from it, on its device.
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        outputs: int,
        reads: Reads,
        initializations: Mapping[str, Initialization],
        *,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        for name, size in {"inputs": inputs, "outputs": outputs}.items():
            if size < 1:
                raise ModelError(f"{name}: expected a positive size, got {size}")
        self.inputs, self.hidden, self.state_sizes = inputs, hidden + outputs, (hidden, outputs)
        self.reads, self.initializations = reads, dict(initializations)
        self.weight_hx = empty(hidden, inputs, generator=generator)
        self.weight_hh = empty(hidden, hidden, generator=generator)
        self.weight_hy = empty(hidden, outputs, generator=generator)
        self.weight_yx = empty(outputs, inputs, generator=generator)
        self.weight_yh = empty(outputs, hidden, generator=generator)
        self.weight_yy = empty(outputs, outputs, generator=generator)
        self.bias = empty(hidden + outputs, generator=generator)
        self.reset_parameters(generator=generator)

    def reset_parameters(self, *, generator: torch.Generator) -> None:
        """Draw all weights again, in place: the blocks in the order of the parameters, then the bias."""
        hidden, _ = self.state_sizes
        for name, initialization in self.initializations.items():
            initialization.fill_(getattr(self, f"weight_{name}"), hidden=hidden, generator=generator)
        bound = (self.inputs + self.hidden) ** -0.5
        uniform_(self.bias, -bound, bound, generator=generator)

    def matrices(self) -> dict[str, Matrix]:
        """Return what the columns of each block are; the rows of the `weight_y*` are the units from N on."""
        hidden, _ = self.state_sizes
        return {
            "weight_hx": Matrix(),
            "weight_hh": Matrix(recurrent=True),
            "weight_hy": Matrix(source="state"),
            "weight_yx": Matrix(offset=hidden),
            "weight_yh": Matrix(source="state", offset=hidden),
            "weight_yy": Matrix(recurrent=True, offset=hidden),
        }

    def drive(self, inputs: Tensor) -> Tensor:
        """Return W_hx x + b_h and W_yx x + b_y, concatenated (..., N + O), of inputs (..., I)."""
        bias_h, bias_y = torch.split(self.bias, list(self.state_sizes))  # (N,), (O,)
        to_hidden = functional.linear(inputs, self.weight_hx, bias_h)  # (..., N)
        to_outputs = functional.linear(inputs, self.weight_yx, bias_y)  # (..., O)
        return torch.cat([to_hidden, to_outputs], dim=-1)

    def advance(self, drive: Tensor, recur: Recur, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the next H (B, N) and Y (B, O) from drive (B, N + O), H and Y."""
        h, y = state
        drive_h, drive_y = torch.split(drive, list(self.state_sizes), dim=-1)  # (B, N), (B, O)
        new = torch.relu(recur("weight_hy", y, recur("weight_hh", h, drive_h)))  # (B, N)
        read = h if self.reads == "before" else new  # (B, N)
        return new, recur("weight_yy", y, recur("weight_yh", read, drive_y))

    def output(self, state: State) -> Tensor:
        """Return z (B, N + O) of a state, concatenated or as the pair of H and Y."""
        return self._join(state)

    def run_dense(self, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Run inputs (T, B, I) from state (B, N + O) with the own backward pass: `forward`, up to rounding."""
        hidden, outputs = self.state_sizes

        def loop(drives: Tensor, weight: Tensor, state: Tensor) -> tuple[Tensor]:
            rows = torch.split(weight, [hidden, outputs])
            (hh, hy), (yh, yy) = (torch.split(row, [hidden, outputs], dim=1) for row in rows)
            weights = {"weight_hh": hh, "weight_hy": hy, "weight_yh": yh, "weight_yy": yy}

            def recur(name: str, x: Tensor, plus: Tensor | None = None, rows: slice | None = None) -> Tensor:
                assert plus is not None, "`advance` adds every product to something"
                return torch.addmm(plus, x, weights[name].t())  # (B, rows)

            return self.unroll(drives, recur, self.split(state))[:1]

        drives = functional.linear(inputs, torch.cat([self.weight_hx, self.weight_yx]), self.bias)  # (T, B, N + O)
        to_hidden = torch.cat([self.weight_hh, self.weight_hy], dim=1)  # (N, N + O)
        to_outputs = torch.cat([self.weight_yh, self.weight_yy], dim=1)  # (O, N + O)
        states = block(self.reads, hidden, loop, drives, torch.cat([to_hidden, to_outputs]), state)
        return states, states[-1].clone()  # (T, B, N + O), (B, N + O); the state may be kept without the sequence

    def extra_repr(self) -> str:
        """Return the sizes and which hidden units the outputs read, for `print(module)`."""
        hidden, outputs = self.state_sizes
        return f"{self.inputs} -> {hidden} + {outputs}, reads={self.reads}"
