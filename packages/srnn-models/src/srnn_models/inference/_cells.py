"""The cells for inference, with a column per sequence.

The equations are those of `ElmanRNN` and `LeakyRNN` (`RateCell`), `GRU` and `LSTM`, and of torch's layers. A part of a
state is (N, B), and (N,) for one sequence: products with vectors are faster than those with matrices of one column.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._weights import ForwardProduct, Weight

ACTIVATIONS = {"tanh": torch.tanh_, "relu": torch.relu_, "softplus": functional.softplus}
Parts = tuple[Tensor, ...]
"""A state in parts, h first, (N, B) or (N,) each."""


def to_columns(rows: Tensor) -> Tensor:
    """Return (B, N) as (N, B), or as (N,) for one sequence."""
    if torch.compiler.is_compiling() or len(rows) != 1:
        return rows.t().contiguous()
    return rows[0]


def to_rows(columns: Tensor) -> Tensor:
    """Return (N, B) or (N,) as (B, N)."""
    return columns[None] if columns.dim() == 1 else columns.t()


class CompactCell(nn.Module):
    """The weights of one layer in one direction, W_ih (gN, I) and W_hh (gN, N), and its biases (gN,) or None.

    All tensors are buffers. They must not be written to: what the products need is made at the first step and dropped
    when the module is moved, converted, copied or loaded.

    A subclass sets the number g of gates and of parts of a state, and implements `advance`. The rows of a drive are
    those of the weights, unless it implements `_hidden_product` and `_start`, too.
    """

    gates: int
    parts: int = 1
    bias_ih: Tensor | None
    bias_hh: Tensor | None

    def __init__(
        self, weight_ih: Weight, weight_hh: Weight, bias_ih: Tensor | None = None, bias_hh: Tensor | None = None
    ) -> None:
        super().__init__()
        self.weight_ih, self.weight_hh = weight_ih, weight_hh
        self.register_buffer("bias_ih", bias_ih)
        self.register_buffer("bias_hh", bias_hh)
        self._products: tuple[ForwardProduct, ForwardProduct, Tensor, int] | None = None

    def step(self, x: Tensor, state: Parts) -> Parts:
        """Return the state after a step, from the input x (I, B) or (I,) and the state before."""
        weight_ih, weight_hh, start, rows = self._ready()
        drive = start.clone() if x.dim() == 1 else start[:, None].repeat(1, x.shape[1])  # (D, B)
        weight_ih.add_(drive[:rows], x)
        weight_hh.add_(drive, state[0])
        return self.advance(drive, state)

    def run(self, inputs: Tensor, state: Parts) -> tuple[Tensor, Parts]:
        """Run inputs (T, B, I) from a state: h at all times (T, B, N), the last state."""
        _, weight_hh, _, _ = self._ready()
        states = []
        for drive in self._drives(inputs).unbind(0):
            weight_hh.add_(drive, state[0])
            state = self.advance(drive, state)
            states.append(to_rows(state[0]))
        return torch.stack(states), state

    def advance(self, sums: Tensor, state: Parts) -> Parts:
        """Return the state after a step, from the sums W_ih x + W_hh h + b, which are written to, and the state before.

        sums: (D, B) or (D,).
        """
        raise NotImplementedError

    def zeros(self, batch: int) -> Parts:
        """Return the state before the first step."""
        size = self.weight_hh.shape[1]
        zeros = torch.zeros(batch, size, dtype=self.weight_hh.dtype, device=self.weight_hh.device)
        return (to_columns(zeros),) * self.parts

    def _drives(self, inputs: Tensor) -> Tensor:
        """Return W_ih x and the biases of all steps, (T, D, B) or (T, D), of inputs (T, B, I)."""
        weight_ih, _, start, rows = self._ready()
        steps, batch, size = inputs.shape
        drives = start[:, None].repeat(1, steps * batch)  # (D, T B)
        weight_ih.add_(drives[:rows], inputs.reshape(steps * batch, size).t().contiguous())
        if batch == 1 and not torch.compiler.is_compiling():
            return drives.t().contiguous()  # (T, D)
        return drives.view(len(start), steps, batch).transpose(0, 1).contiguous()  # (T, D, B)

    def _ready(self) -> tuple[ForwardProduct, ForwardProduct, Tensor, int]:
        """Return the products with W_ih and W_hh, the bias (D,) of a drive, and the number gN of rows of W_ih."""
        found = self._products
        if found is None or torch.compiler.is_compiling():
            found = self.weight_ih.product(), self._hidden_product(), self._start(), self.weight_ih.shape[0]
            self._products = None if torch.compiler.is_compiling() else found
        return found

    def _hidden_product(self) -> ForwardProduct:
        """Return the product with W_hh, in the rows of a drive."""
        return self.weight_hh.product()

    def _start(self) -> Tensor:
        """Return the bias (D,) of a drive."""
        rows, _ = self.weight_ih.shape
        start = torch.zeros(rows, dtype=self.weight_ih.dtype, device=self.weight_ih.device)
        for bias in (self.bias_ih, self.bias_hh):
            start = start if bias is None else start + bias
        return start

    def _apply(self, fn: Any, recurse: bool = True) -> "CompactCell":
        self._products = None
        return cast(CompactCell, super()._apply(fn, recurse))  # type: ignore[no-untyped-call]

    def _load_from_state_dict(self, *arguments: Any) -> None:
        self._products = None
        super()._load_from_state_dict(*arguments)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_products": None}


class RateCell(CompactCell):
    """h_t = (1-alpha) h_{t-1} + alpha f(W_hh h_{t-1} + W_ih x_t + b), with f = tanh, relu or softplus."""

    gates = 1

    def __init__(self, nonlinearity: str, alpha: float, **tensors: Any) -> None:
        super().__init__(**tensors)
        self.nonlinearity, self.alpha = nonlinearity, alpha

    def advance(self, sums: Tensor, state: Parts) -> Parts:
        """Return the next h (N, B), from the sums (N, B) and h."""
        (h,) = state
        rate = ACTIVATIONS[self.nonlinearity](sums)
        return (rate,) if self.alpha == 1 else (torch.lerp(h, rate, self.alpha),)


class GRUCell(CompactCell):
    """h_t = (1-z) n + z h_{t-1}. The rows of a drive are those of r, z and n, and of a = W_hn h + b_hn, 4N in all."""

    gates = 3

    def advance(self, sums: Tensor, state: Parts) -> Parts:
        """Return the next h (N, B), from the sums (4N, B) and h."""
        (h,) = state
        sums[: 2 * h.shape[0]].sigmoid_()
        r, z, n, a = sums.chunk(4)  # (N, B) each
        return (torch.lerp(torch.addcmul(n, r, a).tanh_(), h, z),)

    def _hidden_product(self) -> ForwardProduct:
        """Return the product with W_hh, whose rows of n are those of a in a drive."""
        rows, size = self.weight_hh.shape
        return self.weight_hh.with_gap(rows - size, size).product()

    def _start(self) -> Tensor:
        size = self.weight_hh.shape[1]
        start = super()._start()  # (3N,)
        if self.bias_ih is None or self.bias_hh is None:
            return torch.cat([start, start[:size]])  # all 0
        return torch.cat([start[: 2 * size], self.bias_ih[2 * size :], self.bias_hh[2 * size :]])


class LSTMCell(CompactCell):
    """c_t = f c_{t-1} + i g, h_t = o tanh(c_t). The rows are those of i, f, g and o."""

    gates = 4
    parts = 2

    def advance(self, sums: Tensor, state: Parts) -> Parts:
        """Return the next h and c, (N, B) each, from the sums (4N, B), h and c."""
        _, c = state
        sums[: 2 * c.shape[0]].sigmoid_()
        i, f, g, o = sums.chunk(4)  # (N, B) each
        c = torch.addcmul(f * c, i, g.tanh_())
        return o.sigmoid_() * c.tanh(), c
