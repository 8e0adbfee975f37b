"""What is held of one weight: a mask of its entries, signs of its columns, or both. The arithmetic, and no hooks.

A masked entry is 0. An entry of column j has the sign of `signs[j]` or is 0: one that crossed 0 is clamped there.
In place a weight is multiplied by its mask and clamped to bounds of its columns, which is quick and keeps NaN in
sight. Both are cached in the type and on the device of the weight.
"""

from typing import Any

import torch
from torch import Tensor


class Constraint:
    """A mask, bool `(rows, cols)`, and signs of +1 and -1, float `(cols,)`; None where there is none."""

    def __init__(self, mask: Tensor | None = None, signs: Tensor | None = None) -> None:
        self.mask, self.signs = mask, signs
        self._factor: Tensor | None = None
        self._factor_key: tuple[Any, ...] | None = None
        self._bounds: tuple[Tensor, Tensor] | None = None
        self._bounds_key: tuple[Any, ...] | None = None

    def hold(self, weight: Tensor, *, exact: bool = False) -> None:
        """Hold the weight in place: masked entries by a product, or exactly (NaN too); then the signs."""
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

    def held(self, weight: Tensor, *, lifted: bool = False) -> Tensor:
        """Return the weight held, out of place.

        The gradient is that of a weight held in place: none at masked entries (unless `lifted`), and all of it at
        clamped ones, so that they can come back.
        """
        held = weight if self.mask is None else torch.where(self.mask, weight, 0)
        if lifted:
            held = weight + (held - weight).detach()
        if self.signs is not None:
            held = held + (torch.where(held * self.signs < 0, 0, held) - held).detach()
        return held

    def clear(self, tensor: Tensor) -> None:
        """Zero the masked entries of a tensor of the weight's shape in place, whatever they are."""
        if self.mask is not None:
            with torch.inference_mode(tensor.is_inference()), torch.no_grad():
                tensor.masked_fill_(~self.mask.to(tensor.device), 0)

    def factor(self, like: Tensor) -> Tensor:
        """The mask as 0 and 1 in the type and on the device of `like`: the quickest way to mask in place."""
        assert self.mask is not None
        key = (version(self.mask), like.dtype, like.device)
        if self._factor is None or key != self._factor_key:
            with torch.inference_mode(False):
                self._factor = self.mask.to(like.device, like.dtype, copy=True)
            self._factor_key = key
        return self._factor

    def _limits(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Lowest and highest value of an entry of each column, `(cols,)` each, in the type of `like`."""
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
        """Which change when the mask or the signs are written to."""
        return version(self.mask), version(self.signs)


def version(tensor: Tensor | None) -> int:
    """How often torch saw a tensor written to, where it counts."""
    return -1 if tensor is None or tensor.is_inference() else tensor._version
