"""Shuffled passes over a data set: each item occurs once per pass."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .contract import TaskError


class Passes:
    """The position in an endless sequence of shuffled passes over `count` items.

    All batches have the same size: the batch in which a pass ends takes its remaining items from the next pass.
    """

    def __init__(self, count: int, *, device: torch.device | str) -> None:
        self.count, self.device = count, torch.device(device)
        self._order = torch.empty(0, dtype=torch.int64, device=self.device)  # the rest of the current pass

    def take(self, size: int, *, generator: torch.Generator) -> Tensor:
        """Return the indices `(size,)` of the next items."""
        while len(self._order) < size:
            next_pass = torch.randperm(self.count, generator=generator, device=self.device)
            self._order = torch.cat([self._order, next_pass])
        index, self._order = self._order[:size], self._order[size:]
        return index

    def batches(self, size: int) -> int:
        """Return the number of batches of `size` items that contain one pass."""
        return -(-self.count // size)

    def state_dict(self) -> dict[str, Any]:
        """Return the indices of the items that remain in the current pass, in their order."""
        return {"order": self._order.cpu().clone()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume the pass that `state_dict` returned."""
        if set(state) != {"order"}:
            raise TaskError(f"state: expected the entry 'order' alone; got {sorted(state)}")
        order = state["order"]
        if order.dtype != torch.int64 or order.ndim != 1 or not bool(((order >= 0) & (order < self.count)).all()):
            raise TaskError(
                f"state: expected 'order' to be int64 (n,) with indices from 0 to {self.count - 1}; "
                f"got {order.dtype} of shape {tuple(order.shape)} with values {order.tolist()[:5]}"
            )
        self._order = order.to(self.device, copy=True)
