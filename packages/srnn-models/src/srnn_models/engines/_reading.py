"""The density and the edges of a mask, for as long as the mask stays the same."""

from functools import cached_property

import torch
from torch import Tensor

from ._product import version
from ._structure import Structure


class Reading:
    """A mask (rows, cols), as it is now: its density, and its edges on the device of the weight."""

    def __init__(self, mask: Tensor, device: torch.device) -> None:
        self.mask, self.device = mask, device
        self._stamp = _stamp(mask)

    def is_of(self, mask: Tensor, device: torch.device) -> bool:
        """Return whether the reading is still right. Writes to inference tensors are not counted: it never is."""
        return mask is self.mask and device == self.device and not mask.is_inference() and _stamp(mask) == self._stamp

    @cached_property
    def density(self) -> float:
        """Share of the entries that are not 0."""
        return int(torch.count_nonzero(self.mask)) / self.mask.numel()

    @cached_property
    def structure(self) -> Structure:
        """The edges, on the device of the weight."""
        return Structure(self.mask.to(self.device))


def _stamp(mask: Tensor) -> tuple[int, torch.device, torch.Size, int]:
    return version(mask), mask.device, mask.shape, mask.data_ptr()
