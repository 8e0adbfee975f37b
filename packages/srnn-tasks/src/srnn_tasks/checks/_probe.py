"""A stand-in for a model in the checks of a task."""

from typing import Any

import torch
from torch import Tensor, nn

from ..contract import TaskSpec


class Probe(nn.Module):
    """A model without weights that fits any spec: its outputs depend on the inputs, the start code and the step.

    `calls` records, for each call, whether it was made in eval mode and without gradients.
    """

    def __init__(self, spec: TaskSpec) -> None:
        super().__init__()
        self.spec = spec
        self.inner = nn.Identity()
        self.calls: list[bool] = []

    def forward(self, inputs: Tensor, start: Tensor | None = None, state: Any = None) -> tuple[Tensor, Tensor]:
        """Return outputs `(T, B, O)` and a state `(B, 1)`. inputs: `(T, B, I)`, or `(T, B)` tokens."""
        features = inputs.float() if self.spec.tokens else inputs.sum(-1)  # (T, B)
        if start is not None:
            features = features + start.sum(-1)  # (T, B)
        features = features.cumsum(0) if state is None else features.cumsum(0) + state[:, 0]  # (T, B)
        self.calls.append(not self.training and not self.inner.training and not torch.is_grad_enabled())
        phases = torch.arange(1, self.spec.outputs + 1, device=inputs.device)  # (O,)
        return torch.sin(features[..., None] + phases), features[-1][:, None]  # (T, B, O), (B, 1)

    def step(self, inputs: Tensor, state: Any = None) -> tuple[Tensor, Tensor]:
        """Return the output `(B, O)` of one step and the state. inputs: `(B, I)`, or `(B,)` tokens."""
        outputs, state = self(inputs[None], None, state)  # (1, B, O), (B, 1)
        return outputs[0], state
