"""The constraint on one weight: a mask of its entries, signs of its columns, or both. Arithmetic only, no hooks.

A masked entry is 0. An entry of column j has the sign of `signs[j]` or is 0: an entry that crosses 0 is clamped there.
In place, a weight is multiplied by its mask and clamped to bounds per column, which is fast and keeps NaN visible. The
mask as numbers and the bounds are cached in the dtype and on the device of the weight.
"""

from typing import Any

import torch
from torch import Tensor

WITHOUT_ZERO = (torch.float8_e8m0fnu, torch.float4_e2m1fn_x2)
"""Dtypes that have no zero or hold two numbers per element: a weight of these cannot have a mask."""

SIGNED = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""Dtypes of weights that can have signs: torch cannot clamp the others."""

_BITS = {
    torch.float8_e4m3fn: torch.uint8,
    torch.float8_e5m2: torch.uint8,
    torch.float8_e4m3fnuz: torch.uint8,
    torch.float8_e5m2fnuz: torch.uint8,
    torch.uint16: torch.int16,
    torch.uint32: torch.int32,
    torch.uint64: torch.int64,
}
"""Dtypes that torch cannot fill, with one of the same size whose 0 has the same bits."""


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
        result = weight if self.mask is None else torch.where(self.mask.to(weight.device), weight, 0)
        if lifted:
            result = weight + (result - weight).detach()
        if self.signs is not None:
            signs = self.signs.to(weight.device)
            result = result + (torch.where(result * signs < 0, 0, result) - result).detach()
        return result

    def clear(self, tensor: Tensor) -> None:
        """Set the masked entries of a tensor of the weight's shape to 0, in place, NaN included."""
        if self.mask is None:
            return
        with torch.inference_mode(tensor.is_inference()), torch.no_grad():
            absent = ~self.mask.to(tensor.device)
            if tensor.layout is torch.sparse_coo:  # a gradient of nn.Embedding(sparse=True)
                tensor, absent = tensor._values(), absent[tuple(tensor._indices())]
            if tensor.dtype in _BITS:
                tensor = tensor.view(_BITS[tensor.dtype])
            tensor.masked_fill_(absent, 0)

    def masked(self, gradient: Tensor) -> Tensor:
        """Return the gradient times the mask, in the layout of the gradient; NaN at a masked entry stays NaN."""
        if gradient.layout is not torch.sparse_coo:
            return gradient * self.factor(gradient)
        indices, values = gradient._indices(), gradient._values()
        values = values * self.factor(values)[tuple(indices)]
        coalesced = gradient.is_coalesced()
        return torch.sparse_coo_tensor(indices, values, gradient.shape, is_coalesced=coalesced, check_invariants=False)

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

    def violated(self, weight: Tensor) -> bool:
        """Return whether a masked entry is a number other than 0, or an entry has the wrong sign."""
        if weight.is_meta:
            return False
        with torch.no_grad():
            if self.mask is not None:
                absent = ~self.mask.to(weight.device)
                if bool((absent & (weight != 0) & (weight == weight)).any()):  # NaN stays visible
                    return True
            return self.signs is not None and bool((weight * self.signs.to(weight) < 0).any())

    def refusal(self, weight: Tensor) -> str | None:
        """Return what is wrong with the shape or dtype of a weight that is to have mask and signs; None if they fit."""
        shape = tuple(weight.shape)
        if self.mask is not None and self.mask.shape != shape:
            return f"expected the shape of its mask, {tuple(self.mask.shape)}, got {shape}"
        if self.signs is not None and self.signs.shape != shape[1:]:
            return f"expected shape (rows, {len(self.signs)}) to fit its signs, got {shape}"
        if self.mask is not None and weight.dtype in WITHOUT_ZERO:
            return f"expected a dtype that can hold 0, got {weight.dtype}"
        if self.signs is not None and weight.dtype not in SIGNED:
            return f"expected a floating-point dtype of 16 bits or more for its signs, got {weight.dtype}"
        return None

    def versions(self) -> tuple[int, int]:
        """Version counters of the mask and the signs."""
        return version(self.mask), version(self.signs)


def version(tensor: Tensor | None) -> int:
    """Return torch's version counter of a tensor; -1 for None and for inference tensors, which have none."""
    return -1 if tensor is None or tensor.is_inference() else tensor._version
