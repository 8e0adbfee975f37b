"""How one recurrence of ours runs after `accelerate`."""

from typing import Any

import torch
from torch import Tensor

from ._errors import ModelError
from ._selection import Plan, Selection, kind, substituted
from .cells import Recur, Recurrence, has_own_backward
from .engines import Edges, choose, refusal

WEIGHT = "weight_hh"


class EngineAcceleration(Selection):
    """The engine of one recurrence, for sequences and single steps."""

    def __init__(self, engine: str) -> None:
        super().__init__(engine)
        self._step: tuple[Plan, tuple[Any, ...], Edges] | None = None  # those of the last step

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_step": None}

    def run(self, module: Recurrence, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return h at all times (T, B, N) and the last state (B, S); None where the loop is to run."""
        self._step = None
        plan = self._plan(module, inputs, state)
        if plan is None:
            return None
        found: tuple[Tensor, Tensor] = module.run_with(plan.product(), plan.weight, inputs, state)  # type: ignore[operator]
        return found

    def recur(self, module: Recurrence, input: Tensor, state: Tensor) -> Recur | None:
        """Return the sparse product of one step; None where it is to be that of the loop, so always with gradients on.

        The values of W are kept until W is written to, and until the next sequence or step with gradients on, because a
        fused optimizer does not raise the version of a parameter.
        """
        if torch.is_grad_enabled():
            self._step = None
            return None
        plan = self._plan(module, input[None], state)
        if plan is None or plan.engine != "sparse":
            return None
        if self._step is None or self._step[1] != plan.stamp():
            self._step = plan, plan.stamp(), plan.edges()  # the plan keeps the tensors alive that the stamp names
        return _recur_by(self._step[2])

    def check(self, module: Recurrence) -> None:
        """Raise `ModelError` if the engine is "sparse", and the cell has no own backward pass or no mask."""
        if self.engine == "sparse":
            if not has_own_backward(module):
                raise ModelError(
                    f"accelerate: engine 'sparse': expected a cell with its own backward pass, got {kind(module)}"
                )
            self._choose(module, batch=1)

    def _plan(self, module: Recurrence, inputs: Tensor, state: Tensor) -> Plan | None:
        """Return the plan for inputs (T, B, I); None for the loop."""
        if self.engine == "loop" or not has_own_backward(module):
            self.record("loop")
            return None
        weight = getattr(module, WEIGHT)  # (gN, N)
        others = list(module.parameters(recurse=False))
        reason = refusal(inputs, state, weight, *others) or substituted(module, WEIGHT)
        if reason:
            self.step_aside(module, reason)
            return None
        plan = self._choose(module, inputs.shape[1])
        self.record(plan.engine)
        return None if plan.engine == "loop" else plan

    def _choose(self, module: Recurrence, batch: int) -> Plan:
        """Return the plan for B sequences."""
        return self.plan(module, WEIGHT, lambda density, device: choose(module.hidden, batch, density, device))


def _recur_by(edges: Edges) -> Recur:
    """Return the product of one step with the edges of W_hh (gN, N). No other matrix of these cells reads the state."""

    def recur(name: str, x: Tensor, plus: Tensor | None = None, rows: slice | None = None) -> Tensor:
        if name != WEIGHT or rows is not None:
            raise ModelError(f"expected all rows of {WEIGHT}, got {name}")
        return edges.linear(x, plus)  # (B, gN)

    return recur
