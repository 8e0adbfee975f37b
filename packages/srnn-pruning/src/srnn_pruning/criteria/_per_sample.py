"""Moments over single sequences of the gradient of sum_i h_i(S) with respect to the weights of a cell."""

from collections.abc import Callable
from collections.abc import Sequence as Series

import torch
from torch import Tensor

from .._cell import Cell
from .._dynamics import gradients, last_sum
from .._sequence import Sequence
from ._products import Product, RecordProducts

_ENTRIES = 2**24  # of gradients of single sequences that are held at once


def mean_square(cell: Cell, weights: Series[Tensor], sequence: Sequence) -> list[Tensor]:
    """Return the mean over sequences of the squared gradient, for each weight."""
    return _mean(Tensor.square_, cell, weights, sequence)


def mean_absolute(cell: Cell, weights: Series[Tensor], sequence: Sequence) -> list[Tensor]:
    """Return the mean over sequences of the absolute gradient, for each weight."""
    return _mean(Tensor.abs_, cell, weights, sequence)


def _mean(moment: Callable[[Tensor], Tensor], cell: Cell, weights: Series[Tensor], sequence: Sequence) -> list[Tensor]:
    """Return the means of a moment, which may write to its argument, from products; one by one if that fails."""
    with RecordProducts(weights) as record:
        total = last_sum(cell, sequence).sum()
    means = None
    if all(len(product.x) == sequence.inputs.shape[1] for product in record.products):  # one row per sequence
        means = _from_products(moment, weights, record.products, total)
    return _one_by_one(moment, cell, weights, sequence) if means is None else means


def _from_products(
    moment: Callable[[Tensor], Tensor], weights: Series[Tensor], products: Series[Product], total: Tensor
) -> list[Tensor] | None:
    """Return the means of a moment; None if the products do not account for the whole gradient of the total."""
    both = gradients(total, [*(product.y for product in products), *weights])
    deltas, expected = both[: len(products)], [_wide(each) for each in both[len(products) :]]
    blocks: dict[tuple[int, int, int, int, int], list[tuple[Tensor, Tensor]]] = {}
    for product, delta in zip(products, deltas, strict=True):
        place = product.weight, product.rows.start, product.rows.stop, product.cols.start, product.cols.stop
        blocks.setdefault(place, []).append((_wide(delta), _wide(product.x.detach())))
    means, sums = [torch.zeros_like(each) for each in expected], [torch.zeros_like(each) for each in expected]
    for (weight, *bounds), pairs in blocks.items():
        rows, cols = slice(*bounds[:2]), slice(*bounds[2:])
        delta = torch.stack([pair[0] for pair in pairs], dim=1)  # (B, T, rows)
        x = torch.stack([pair[1] for pair in pairs], dim=1)  # (B, T, cols)
        sums[weight][rows, cols] = delta.flatten(0, 1).t() @ x.flatten(0, 1)  # of blocks that overlap, only the last
        means[weight][rows, cols] = _block_mean(moment, delta, x)
    for one, other in zip(sums, expected, strict=True):  # 0 in `other` may be a mask
        error = torch.where(other == 0, 0, one - other).abs().max()
        if error > 1e-3 * other.abs().max():
            return None
    return means


def _block_mean(moment: Callable[[Tensor], Tensor], delta: Tensor, x: Tensor) -> Tensor:
    """Return the mean over B of the moment of sum_t delta x^T, (rows, cols), for delta (B, T, rows), x (B, T, cols)."""
    batch, _, rows = delta.shape
    mean = x.new_zeros(rows, x.shape[2])
    chunk = max(1, _ENTRIES // max(1, mean.numel()))
    for start in range(0, batch, chunk):
        part = slice(start, start + chunk)
        mean += moment(torch.bmm(delta[part].transpose(1, 2), x[part])).sum(0)
    return mean / batch


def _one_by_one(
    moment: Callable[[Tensor], Tensor], cell: Cell, weights: Series[Tensor], sequence: Sequence
) -> list[Tensor]:
    """Return the means of a moment by one backward pass per sequence."""
    sums = [torch.zeros_like(_wide(weight)) for weight in weights]
    batch = sequence.inputs.shape[1]
    for place in range(batch):
        single = Sequence(
            sequence.inputs[:, place : place + 1],
            sequence.state[place : place + 1],
            None if sequence.lengths is None else sequence.lengths[place : place + 1],
        )
        for total, gradient in zip(sums, gradients(last_sum(cell, single).sum(), weights), strict=True):
            total += moment(_wide(gradient))
    return [total / batch for total in sums]


def _wide(value: Tensor) -> Tensor:
    """Return values of fewer than 32 bits in float32: the squares of small ones are 0 in float16."""
    return value.to(torch.promote_types(value.dtype, torch.float32))
