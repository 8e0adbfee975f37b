"""The share of entries that a mask leaves present; sparsity is one minus it."""

import torch
from torch import Tensor


def density(mask: Tensor) -> float:
    """Share of True in a bool mask of any shape, 0 to 1.

    >>> density(torch.tensor([[True, False], [False, False]]))
    0.25
    """
    if mask.dtype is not torch.bool:
        raise ValueError(f"density: expected a mask of dtype torch.bool, got {mask.dtype}")
    if not mask.numel():
        raise ValueError(f"density: expected a mask with entries, got shape {tuple(mask.shape)}")
    return int(mask.sum()) / mask.numel()
