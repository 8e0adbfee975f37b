"""A batch: the tensors that a task passes to a model, time first.

Shapes: T time steps, B rows of the batch, I inputs, O outputs, K entries of the start code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ._error import TaskError


@dataclass(frozen=True, eq=False, kw_only=True)
class Batch:
    """One batch, time first. The constructor checks shapes but reads no values, so it never waits for the device.

    inputs: `(T, B, I)` float, or `(T, B)` int64 tokens.
    targets: `(T, B)` int64 classes, or `(T, B, O)` float values or distributions.
    weight: `(T, B)` float >= 0, or None for 1 everywhere. For a loss on the last step only, it is 0 at all other steps.
    start: `(B, K)` float or None. A code given at t = 0 (navigation: the place code of the initial position).
    reset: `(B,)` bool or None. True where row b starts a new stream at t = 0, so that its hidden state is reset.
    info: tensors for metrics and analysis only (position, task id, period, direction); no model reads them.

    >>> batch = Batch(inputs=torch.zeros(5, 2, 3), targets=torch.zeros(5, 2, dtype=torch.int64))
    >>> batch.steps, batch.size
    (5, 2)
    """

    inputs: Tensor
    targets: Tensor
    weight: Tensor | None = None
    start: Tensor | None = None
    reset: Tensor | None = None
    info: Mapping[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.inputs.ndim not in (2, 3):
            raise TaskError(f"inputs: expected (T, B, I), or (T, B) tokens; got shape {tuple(self.inputs.shape)}")
        steps, size = self.steps, self.size
        if self.targets.ndim not in (2, 3) or self.targets.shape[:2] != (steps, size):
            raise TaskError(
                f"targets: expected (T, B) or (T, B, O) with T = {steps}, B = {size} as in inputs; "
                f"got shape {tuple(self.targets.shape)}"
            )
        if self.weight is not None and self.weight.shape != (steps, size):
            raise TaskError(f"weight: expected (T, B) = {(steps, size)}; got shape {tuple(self.weight.shape)}")
        if self.start is not None and (self.start.ndim != 2 or self.start.shape[0] != size):
            raise TaskError(f"start: expected (B, K) with B = {size}; got shape {tuple(self.start.shape)}")
        if self.reset is not None and (self.reset.shape != (size,) or self.reset.dtype != torch.bool):
            raise TaskError(
                f"reset: expected bool (B,) = ({size},); got {self.reset.dtype} of shape {tuple(self.reset.shape)}"
            )

    @property
    def steps(self) -> int:
        """T, the number of time steps."""
        return self.inputs.shape[0]

    @property
    def size(self) -> int:
        """B, the number of rows."""
        return self.inputs.shape[1]

    def to(self, device: torch.device | str) -> "Batch":
        """Return a copy of this batch on `device`."""

        def move(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device)

        return Batch(
            inputs=self.inputs.to(device),
            targets=self.targets.to(device),
            weight=move(self.weight),
            start=move(self.start),
            reset=move(self.reset),
            info={name: tensor.to(device) for name, tensor in self.info.items()},
        )
