"""Arrays of numpy as masks and signs. The errors name the dtype of the array, not that of a tensor made of it."""

from typing import Any

import numpy as np
import torch

from .._errors import MaskError


def as_tensor(value: Any, kind: str, what: str) -> Any:
    """Return an array of numpy as a tensor of its own memory, and anything else as it is.

    A "mask" (`kind`) of bools, or of numbers that all are 0 or 1, becomes bool; "signs" of integers or floats become
    float64. `what` begins the message of an error. Raises MaskError for an array of another dtype or a mask of others.
    """
    if not isinstance(value, np.ndarray):
        return value
    number = value.dtype.kind in "iuf"
    if kind == "signs":
        if not number:
            raise MaskError(f"{what}: expected an array of numbers, +1 and -1; got {value.dtype}")
        return torch.tensor(np.ascontiguousarray(value, np.float64))
    if not number and value.dtype.kind != "b":
        raise MaskError(f"{what}: expected a bool array or one of 0 and 1; got {value.dtype}")
    if number and not np.isin(value, (0, 1)).all():
        raise MaskError(f"{what}: expected a bool array or one of 0 and 1; got {value.dtype} with other values")
    return torch.tensor(np.ascontiguousarray(value, np.bool_))
