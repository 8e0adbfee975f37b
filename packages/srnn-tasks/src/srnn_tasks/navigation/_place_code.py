"""Place cells: positions of their centres, encoding of a position, and decoding.

Source: arXiv 2406.06290 section 4.1 and its code; the difference of softmaxes is that of Sorscher et al. 2019.
"""

import math
from typing import Literal

import numpy as np
import torch
from torch import Tensor

PlaceCode = Literal["reference", "gaussian", "paper"]


def seeded_centres(cells: int, box: float, seed: int) -> Tensor:
    """Return centres `(cells, 2)` in metres, uniform in the box, from numpy's legacy generator: all x, then all y."""
    stream = np.random.RandomState(seed)  # legacy, as published; a separate instance, not numpy's global generator
    x, y = stream.uniform(-box / 2, box / 2, cells), stream.uniform(-box / 2, box / 2, cells)
    return torch.from_numpy(np.stack([x, y], axis=1).astype(np.float32))


def drawn_centres(cells: int, box: float, *, generator: torch.Generator) -> Tensor:
    """Return centres `(cells, 2)` in metres, uniform in the box, drawn from `generator` on its device."""
    return (torch.rand(cells, 2, generator=generator, device=generator.device, dtype=torch.float32) - 0.5) * box


def place_code(positions: Tensor, centres: Tensor, *, width: float, code: PlaceCode = "reference") -> Tensor:
    """Return the activity of every cell, `(..., K)`: a distribution over the K cells.

    positions: `(..., 2)` in metres. centres: `(K, 2)` in metres. width: s in metres. With d the distance to a centre:

    - `gaussian`: softmax(-d^2 / 2s^2).
    - `reference`: softmax(-d^2 / 2s^2) - softmax(-d^2 / 4s^2), minus its minimum, divided by its sum.
    - `paper`: softmax(exp(-d^2 / 2s^2) / (s sqrt(2 pi))) with d and s in cm. Nearly uniform: it carries no signal.
    """
    flat = positions.reshape(-1, 2)
    squares = centres.square().sum(-1)  # (K,)
    # |p - c|^2 = |p|^2 + |c|^2 - 2 p.c by one matrix product, without a temporary of shape (..., K, 2). |p|^2 is the
    # same for all cells and does not change a softmax over them.
    if code == "paper":
        squared = torch.addmm(squares, flat, centres.T, alpha=-2).add_(flat.square().sum(-1, keepdim=True))
        density = squared.mul_(-1 / (2 * width**2)).exp_().div_(100 * width * math.sqrt(2 * math.pi))
        activity = density.softmax(-1)
    else:
        logits = torch.addmm(squares, flat, centres.T, beta=-0.5 / width**2, alpha=1 / width**2)  # (..., K)
        activity = logits.softmax(-1)
        if code == "reference":
            activity -= logits.mul_(0.5).softmax(-1)
            lowest = activity.amin(-1, keepdim=True)
            lowest -= (lowest == 0).to(lowest.dtype)  # for tiny s both are one-hot: return uniform instead of 0/0
            activity.sub_(lowest).div_(activity.sum(-1, keepdim=True))
    return activity.view(*positions.shape[:-1], centres.shape[0])


def decode(outputs: Tensor, centres: Tensor, *, top: int = 3) -> Tensor:
    """Return positions `(..., 2)` in metres: the mean of the centres of the `top` most active cells.

    outputs: `(..., K)` logits, or any increasing function of them. centres: `(K, 2)` in metres.

    >>> decode(torch.tensor([9.0, 0.0, 8.0, 7.0]), torch.tensor([[0.0, 0.0], [5.0, 5.0], [3.0, 0.0], [0.0, 3.0]]))
    tensor([1., 1.])
    """
    return centres[outputs.topk(top, dim=-1, sorted=False).indices].mean(-2)
