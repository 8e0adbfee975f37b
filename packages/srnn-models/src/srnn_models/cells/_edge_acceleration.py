"""How a recurrence runs whose W_hh is an `EdgeWeight`."""

from typing import Any

from torch import Tensor

from .._errors import ModelError
from .._selection import EngineRecord
from ..engines import refusal
from ._recurrence import Recurrence, has_own_backward


class EdgeAcceleration(EngineRecord):
    """The engine of a recurrence whose W_hh is given by its edges: "auto", as built, "sparse" or "loop".

    "auto" and "sparse" are the own backward pass of the cell, with the products of the edges. It does not run under
    `torch.func`, forward-mode differentiation, autocast, `torch.compile` and export, and in dtypes other than float32
    and float64. There, and with "loop", the loop runs with autograd: each step multiplies edge by edge and keeps B
    numbers for each.
    """

    def __init__(self, engine: str = "auto") -> None:
        super().__init__(engine)

    def check(self, module: Recurrence) -> None:
        """Raise `ModelError` if the engine is "dense"."""
        if self.engine == "dense":
            raise ModelError(
                f"accelerate: engine 'dense': expected a dense weight_hh, got the edges of {type(module).__name__}; "
                "convert them by to_dense before"
            )

    def run(self, module: Any, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return h at all times (T, B, N) and the last state (B, S); None where the loop is to run."""
        if self.engine == "loop" or not has_own_backward(module):
            self.record("loop")
            return None
        reason = refusal(inputs, state, *module.parameters())
        if reason:
            self.step_aside(module, reason)
            return None
        self.record("sparse")
        weight = module.weight_hh
        found: tuple[Tensor, Tensor] = module.run_with(weight.product(), weight.values, inputs, state)
        return found


def restore_acceleration(module: Recurrence) -> None:
    """Set how a recurrence runs as `build` does: by its edges, or by the loop."""
    if module.has_edges:
        module.acceleration = EdgeAcceleration()
    else:
        vars(module).pop("acceleration", None)
