"""How one recurrence of ours runs after `accelerate`."""

from torch import Tensor

from ._errors import ModelError
from ._selection import Plan, Selection, class_name, substituted
from .cells import Recurrence, has_own_backward
from .engines import choose, refusal

WEIGHT = "weight_hh"


class EngineAcceleration(Selection):
    """The engine of one recurrence. Single steps always run by the loop."""

    def run(self, module: Recurrence, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return h at all times (T, B, N) and the last state (B, S); None where the loop is to run."""
        plan = self._plan(module, inputs, state)
        if plan is None:
            return None
        found: tuple[Tensor, Tensor] = module.run_with(plan.product(), plan.weight, inputs, state)  # type: ignore[operator]
        return found

    def check(self, module: Recurrence) -> None:
        """Raise `ModelError` if the engine is "sparse", and the cell has no own backward pass or no mask."""
        if self.engine == "sparse":
            if not has_own_backward(module):
                raise ModelError(
                    f"accelerate: engine 'sparse': expected a cell with its own backward pass, got {class_name(module)}"
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
