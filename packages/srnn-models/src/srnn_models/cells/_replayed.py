"""The loop of a cell in the layout of the engines: what its own backward pass differentiates again."""

from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from ..engines import Loop
from ._edge_weight import EdgeWeight
from ._recurrence import Recurrence


def replayed(module: Recurrence, *, hidden_bias: bool = False) -> Loop:
    """Return the loop over time of a cell that reads its state by `weight_hh` alone, as a function of its tensors.

    These are x (T, I, B), W_ih (gN, I), the bias of the drive (gN,) or None, W_hh (gN, N) or the values (E,) of its
    edges, with `hidden_bias` the bias that is added to W_hh h, and the state in parts (N, B). The function returns h
    (T, N, B), and of an LSTM the last c.
    """
    edges = cast(EdgeWeight, module.weight_hh) if module.has_edges else None

    def loop(x: Tensor, weight_ih: Tensor, bias: Tensor | None, weight: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        bias_hh, parts = (rest[0], rest[1:]) if hidden_bias else (None, rest)

        def recur(name: str, x: Tensor, plus: Tensor | None = None, rows: slice | None = None) -> Tensor:
            if edges is not None:
                return edges.linear(x, bias_hh if plus is None or plus.dim() == 1 else plus, weight)  # (B, gN)
            if plus is None or plus.dim() == 1:  # the module's bias, if it has one
                return functional.linear(x, weight, bias_hh)  # (B, gN)
            return torch.addmm(plus, x, weight.t())  # (B, gN)

        drives = functional.linear(x.mT, weight_ih, bias)  # (T, B, gN)
        state = tuple(part.t() for part in parts)  # (B, N) each
        states, last = module.unroll(drives, recur, state if len(state) > 1 else state[0])
        others = last[1:] if isinstance(last, tuple) else ()  # c, (B, N)
        return states.mT, *(part.t() for part in others)  # (T, N, B), (N, B)

    return loop


def last_state(state: Tensor) -> Tensor:
    """Return the last state (B, S) of a state (S, B), in memory of its own: it may be kept without the sequence."""
    return state.t().clone(memory_format=torch.contiguous_format)
