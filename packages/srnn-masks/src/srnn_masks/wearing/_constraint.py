"""The constraint on one weight: a mask of its entries, signs of its columns, or both. Arithmetic only, no hooks.

A masked entry is 0. An entry of column j has the sign of `signs[j]` or is 0: an entry that crosses 0 is clamped there.
In place, a weight is multiplied by its mask and clamped to bounds per column, which is fast and keeps NaN visible. The
mask as numbers and the bounds are cached in the dtype and on the device of the weight.
"""

from typing import Any

import torch
from torch import Tensor


class Constraint:
    """A mask, bool `(rows, cols)`, and signs, float `(cols,)` of +1 and -1; either may be None."""

    def __init__(self, mask: Tensor | None = None, signs: Tensor | None = None) -> None:
        self.mask, self.signs = mask, signs
        self._factor: Tensor | None = None
        self._factor_key: tuple[Any, ...] | None = None
        self._bounds: tuple[Tensor, Tensor] | None = None
        self._bounds_key: tuple[Any, ...] | None = None

    def enforce(self, weight: Tensor, *, exact: bool = False) -> None:
        """Enforce mask and signs in place. With `exact`, masked entries become 0 even where they are NaN."""
        if self.mask is not None:
            if exact:
                self.clear(weight)
            else:
                weight.mul_(self.factor(weight))
        if self.signs is not None:
            weight.clamp_(*self._limits(weight))

    def align(self, weight: Tensor) -> None:
        """Give every entry the sign of its column, in place: `|w| * sign`."""
        if self.signs is not None:
            weight.abs_().mul_(self.signs.to(weight))

    def constrained(self, weight: Tensor, *, lifted: bool = False) -> Tensor:
        """Return the constrained weight, out of place.

        The gradient equals that of a weight constrained in place: zero at masked entries (unless `lifted`) and
        unchanged at clamped entries, so that they can leave 0 again.
        """
        result = weight if self.mask is None else torch.where(self.mask, weight, 0)
        if lifted:
            result = weight + (result - weight).detach()
        if self.signs is not None:
            result = result + (torch.where(result * self.signs < 0, 0, result) - result).detach()
        return result

    def clear(self, tensor: Tensor) -> None:
        """Set the masked entries of a tensor of the weight's shape to 0, in place, NaN included."""
        if self.mask is not None:
            with torch.inference_mode(tensor.is_inference()), torch.no_grad():
                tensor.masked_fill_(~self.mask.to(tensor.device), 0)

    def factor(self, like: Tensor) -> Tensor:
        """The mask as 0 and 1 in the dtype and on the device of `like`; a product is the fastest way to mask."""
        assert self.mask is not None
        key = (version(self.mask), like.dtype, like.device)
        if self._factor is None or key != self._factor_key:
            with torch.inference_mode(False):
                self._factor = self.mask.to(like.device, like.dtype, copy=True)
            self._factor_key = key
        return self._factor

    def _limits(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Lower and upper bound of the entries of each column, `(cols,)` each, in the dtype of `like`."""
        assert self.signs is not None
        key = (version(self.signs), like.dtype, like.device)
        if self._bounds is None or key != self._bounds_key:
            with torch.inference_mode(False):
                signs = self.signs.to(like.device, like.dtype, copy=True)
                zeros = torch.zeros_like(signs)
                self._bounds = torch.where(signs > 0, zeros, -torch.inf), torch.where(signs < 0, zeros, torch.inf)
            self._bounds_key = key
        return self._bounds

    def versions(self) -> tuple[int, int]:
        """Version counters of the mask and the signs."""
        return version(self.mask), version(self.signs)


def version(tensor: Tensor | None) -> int:
    """Return torch's version counter of a tensor; -1 for None and for inference tensors, which have none."""
    return -1 if tensor is None or tensor.is_inference() else tensor._version
