"""Random masks in which every neuron keeps its numbers of inputs and outputs."""

from __future__ import annotations

import torch
from torch import Tensor

TRADES = 5  # per row


def rewired(mask: Tensor, *, generator: torch.Generator) -> Tensor:
    """Return a random mask, bool `(rows, cols)`, with the row and column sums of another.

    Curveball (Strona et al., Nature Communications 5, 2014): two random rows pool the entries that only one of them has
    and redistribute them at random; repeated `TRADES` times per row.
    """
    rows = mask.shape[0]
    drawn = mask.cpu().clone()
    for _ in range(TRADES * rows if rows > 1 else 0):
        a, b = torch.randperm(rows, generator=generator)[:2].tolist()
        only_a = drawn[a] & ~drawn[b]
        pool = (drawn[a] ^ drawn[b]).nonzero()[:, 0]
        order = pool[torch.randperm(len(pool), generator=generator)]
        count = int(only_a.sum())
        drawn[a, order[:count]], drawn[b, order[:count]] = True, False
        drawn[a, order[count:]], drawn[b, order[count:]] = False, True
    return drawn
