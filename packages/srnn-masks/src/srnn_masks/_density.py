"""Density of a mask. Sparsity is 1 - density."""

import torch
from torch import Tensor

from ._errors import MaskError


def density(mask: Tensor) -> float:
    """Return the share of True entries, in [0, 1], of a bool mask of any shape.

    Raises MaskError if the mask is not bool or has no entries.

    >>> density(torch.tensor([[True, False], [False, False]]))
    0.25
    """
    if mask.dtype is not torch.bool:
        raise MaskError(f"density: expected a mask of dtype torch.bool, got {mask.dtype}")
    if not mask.numel():
        raise MaskError(f"density: expected a mask with entries, got shape {tuple(mask.shape)}")
    return int(mask.sum()) / mask.numel()
