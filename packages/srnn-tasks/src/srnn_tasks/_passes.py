"""The order of training examples that are read in passes, and its place in the state of a source."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .contract import TaskError


class Passes:
    """Indices of training examples; each occurs once per pass.

    All requests are met in full: one in which a pass ends takes its remaining indices from the next pass.

    count: number of examples. shuffled: whether each pass is a new random order, or the order of the indices.
    device: of the indices, and of the generators that draw them.
    """

    def __init__(self, count: int, *, shuffled: bool = True, device: torch.device | str) -> None:
        self.count, self.shuffled, self.device = count, shuffled, torch.device(device)
        self._order = torch.empty(0, dtype=torch.int64, device=self.device)  # the rest of the current pass

    def take(self, size: int, *, generator: torch.Generator) -> Tensor:
        """Return the next `size` indices, int64 `(size,)`."""
        while len(self._order) < size:
            self._order = torch.cat([self._order, self._next_pass(generator)])
        index, self._order = self._order[:size], self._order[size:]
        return index

    def batches(self, size: int) -> int:
        """Return the number of batches of `size` examples that contain one pass."""
        return -(-self.count // size)

    def state_dict(self) -> dict[str, Any]:
        """Return the indices that remain in the current pass, in their order."""
        return {"order": self._order.cpu().clone()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume the pass that `state_dict` returned. A TaskError is raised for a state of another kind or count."""
        if set(state) != {"order"}:
            raise TaskError(f"state: expected the entry 'order' alone; got {sorted(state)}")
        order = state["order"]
        if order.dtype != torch.int64 or order.ndim != 1 or not bool(((order >= 0) & (order < self.count)).all()):
            raise TaskError(
                f"state: expected 'order' to be int64 (n,) with indices from 0 to {self.count - 1}; "
                f"got {order.dtype} of shape {tuple(order.shape)} with values {order.tolist()[:5]}"
            )
        self._order = order.to(self.device, copy=True)

    def _next_pass(self, generator: torch.Generator) -> Tensor:
        if self.shuffled:
            return torch.randperm(self.count, generator=generator, device=self.device)
        return torch.arange(self.count, device=self.device)
