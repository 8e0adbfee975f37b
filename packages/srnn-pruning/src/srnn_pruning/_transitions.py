"""||J v||^2 of single transitions of a cell, J the Jacobian of the new hidden state by the previous one (eq. 3).

J v is computed in forward mode, by dual numbers through one step of the cell; one backward pass with ones would give
J^T 1, another quantity. Forward mode runs through `Cell.step` only: torch's recurrent layers do not support it.
"""

import warnings
from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.nn import functional

from ._cell import Cell
from ._sequence import Sequence

Vector = Literal["ones", "sign", "frobenius"]
"""The v of ||J v||^2. "ones": all ones. "sign": a random sign per entry, anew for each sample and transition.
"frobenius": the sum over all unit vectors, which is the squared Frobenius norm of J."""

Part = Literal["h", "hc"]
"""The state that J maps: "h", with the rest of a state held fixed, or "hc", the whole of it."""

_ROWS = 1024  # of the batch of unit vectors and samples that is computed at once


def last_steps(sequence: Sequence, last: int | None) -> range:
    """Return the steps, from 0, of the last transitions, latest first; all of them if `last` is None or more."""
    steps = len(sequence.inputs)
    return range(steps - 1, steps - 1 - min(steps, steps if last is None else last), -1)


def mean_squared_norms(
    cell: Cell,
    sequence: Sequence,
    step: int,
    before: Tensor,
    vector: Vector,
    part: Part,
    generator: torch.Generator | None,
) -> Iterator[Tensor]:
    """Yield ||J v||^2 of step number `step` from the states `before` (B, S), differentiably, as the terms of a sum.

    Each is a mean over the sequences that have this step; there are several for "frobenius" only.
    """
    shares = _shares(sequence, step)  # (B,)
    for tangent in _tangents(cell, vector, part, len(before), generator):
        yield (_squared_norms(cell, sequence.inputs[step], before, tangent, part) * shares).sum()


def _tangents(
    cell: Cell, vector: Vector, part: Part, batch: int, generator: torch.Generator | None
) -> Iterator[Tensor]:
    """Yield the vectors of one transition, (K, B, S) at a time, with 0 in entries that are held fixed."""
    size = cell.hidden if part == "h" else cell.state_size
    rest = cell.state_size - size
    if vector == "ones":
        yield functional.pad(torch.ones(1, batch, size), (0, rest))
    elif vector == "sign":
        assert generator is not None
        signs = 2 * torch.randint(2, (1, batch, size), generator=generator, device=generator.device) - 1
        yield functional.pad(signs, (0, rest))
    else:
        for units in torch.split(torch.eye(size, cell.state_size), max(1, _ROWS // batch)):  # (K, S)
            yield units[:, None].expand(-1, batch, -1)


def _squared_norms(cell: Cell, x: Tensor, state: Tensor, tangent: Tensor, part: Part) -> Tensor:
    """Return ||J v||^2 per sample, (B,), summed over the K vectors of a tangent (K, B, S), for x (B, I)."""
    count, batch, _ = tangent.shape
    if count > 1:
        x, state = x.repeat(count, 1), state.repeat(count, 1)  # (K B, I), (K B, S)
    with forward_ad.dual_level():
        dual = _dual(state, tangent.reshape(count * batch, -1).to(state))  # (K B, S)
        after = cell.step(x, dual)  # (K B, S)
        unpacked = forward_ad.unpack_dual(cell.output(after) if part == "h" else after)  # type: ignore[no-untyped-call]
        image: Tensor | None = unpacked.tangent  # (K B, H or S)
    if image is None:  # the step does not read its state
        return state.new_zeros(batch)
    return image.square().sum(-1).reshape(count, batch).sum(0)


def _dual(values: Tensor, tangent: Tensor) -> Tensor:
    """Return a dual number, without the deprecation warning that torch raises when it loads forward mode."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit.script` is deprecated", DeprecationWarning)
        dual: Tensor = forward_ad.make_dual(values, tangent)  # type: ignore[no-untyped-call]
        return dual


def _shares(sequence: Sequence, step: int) -> Tensor:
    """Return the weight of each sequence in the mean over those that have this step, (B,)."""
    batch = sequence.inputs.shape[1]
    if sequence.lengths is None:
        return sequence.inputs.new_full((batch,), 1 / batch)
    present = sequence.active(step).to(sequence.inputs)
    return present / present.sum()
