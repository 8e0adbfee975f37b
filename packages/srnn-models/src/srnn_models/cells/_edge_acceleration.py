"""How a recurrence runs whose W_hh is an `EdgeWeight`."""

from typing import Any

from torch import Tensor

from .._errors import ModelError
from .._selection import EngineRecord
from ..engines import refusal
from ._recurrence import Recur, Recurrence, has_own_backward


class EdgeAcceleration(EngineRecord):
    """The engine of a recurrence whose W_hh is given by its edges: "sparse", as built, or "loop".

    "sparse" is the own backward pass of the cell, with the products of the edges. It does not run under `torch.func`,
    forward-mode differentiation, autocast, `torch.compile` and export, and in dtypes other than float32 and float64.
    There, and with "loop", the loop runs with autograd: each step multiplies edge by edge and keeps B numbers for each.
    """

    def __init__(self, engine: str = "sparse") -> None:
        super().__init__("sparse" if engine == "auto" else engine)

    def check(self, module: Recurrence) -> None:
        """Raise `ModelError` if the engine is "dense"."""
        if self.engine == "dense":
            raise ModelError(
                f"accelerate: engine 'dense': expected a dense weight_hh, got the edges of {type(module).__name__}; "
                "convert them by to_dense before"
            )

    def run(self, module: Any, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return h at all times (T, B, N) and the last state (B, S); None where the loop is to run."""
        runs = self.engine == "sparse" and has_own_backward(module)
        runs = runs and refusal(inputs, state, *module.parameters()) is None
        self.record("sparse" if runs else "loop")
        if not runs:
            return None
        weight = module.weight_hh
        found: tuple[Tensor, Tensor] = module.run_with(weight.product(), weight.values, inputs, state)
        return found

    def recur(self, module: Any, input: Tensor, state: Tensor) -> Recur | None:
        """Return None: the product of the loop is that of the edges too, and with gradients off a sparse one."""
        return None


def restore_acceleration(module: Recurrence) -> None:
    """Set how a recurrence runs as `build` does: by its edges, or by the loop."""
    if module.has_edges:
        module.acceleration = EdgeAcceleration()
    else:
        vars(module).pop("acceleration", None)
