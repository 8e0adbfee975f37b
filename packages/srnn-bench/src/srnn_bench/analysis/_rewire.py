"""Random masks in which every neuron keeps its number of inputs and outputs."""

from __future__ import annotations

import torch
from torch import Tensor


def rewired(mask: Tensor, *, trades: int = 5, generator: torch.Generator) -> Tensor:
    """Return a mask `(rows, cols)` with the row and column sums of another, bool, else random.

    Curveball (Strona et al., Nature Communications 5, 2014): two rows pool the entries that only one of them has, and
    share them out again at random; so `trades` times the number of rows.
    """
    rows = mask.shape[0]
    drawn = mask.cpu().clone()
    for _ in range(trades * rows if rows > 1 else 0):
        a, b = torch.randperm(rows, generator=generator)[:2].tolist()
        only_a = drawn[a] & ~drawn[b]
        pool = (drawn[a] ^ drawn[b]).nonzero()[:, 0]
        order = pool[torch.randperm(len(pool), generator=generator)]
        count = int(only_a.sum())
        drawn[a, order[:count]], drawn[b, order[:count]] = True, False
        drawn[a, order[count:]], drawn[b, order[count:]] = False, True
    return drawn
