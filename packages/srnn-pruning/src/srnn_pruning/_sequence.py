"""`Sequence`: the inputs and first states of one recurrent cell."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sequence:
    """What one cell reads: `inputs` (T, B, I) in the order of its steps, and the `state` (B, S) before the first.

    Inputs of a reverse direction are reversed. `lengths` (B,) is the number of steps of each sequence if they differ.
    Sequences are aligned at their ends: sequence b occupies the last `lengths[b]` of the T steps, and the steps before
    leave its state unchanged.
    """

    inputs: Tensor
    state: Tensor
    lengths: Tensor | None = None

    def active(self, step: int) -> Tensor:
        """Return whether each sequence has the step of this number, from 0, (B,)."""
        if self.lengths is None:
            return torch.ones(self.inputs.shape[1], dtype=torch.bool, device=self.inputs.device)
        return step >= len(self.inputs) - self.lengths
