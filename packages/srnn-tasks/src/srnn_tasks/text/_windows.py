"""Cutting a text into streams, one per row, and the streams into windows of consecutive words."""

import torch
from torch import Tensor

from ..contract import Batch


def cut_streams(tokens: Tensor, rows: int) -> Tensor:
    """Return `(n, rows)`: column b is the b-th part of the text; the remainder at its end is dropped."""
    length = len(tokens) // rows if rows else 0
    return tokens[: length * rows].view(rows, length).T.contiguous()


def count_windows(length: int, steps: int) -> int:
    """Return the number of windows in streams of `length` words; the first word of a stream is not a target."""
    return -(-(length - 1) // steps)


def cut_window(text: Tensor, number: int, steps: int) -> Batch:
    """Return window number `number` of streams `(n, B)`."""
    first = number * steps
    targets = text[first + 1 : first + 1 + steps]  # (T, B)
    reset = torch.full((text.shape[1],), number == 0, dtype=torch.bool, device=text.device)  # (B,)
    return Batch(inputs=text[first : first + len(targets)], targets=targets, reset=reset)
