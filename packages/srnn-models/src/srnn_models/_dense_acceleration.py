"""How a recurrence with `run_dense`, an own backward pass that multiplies all entries, runs after `accelerate`."""

from typing import Any

from torch import Tensor, nn

from ._errors import ModelError
from ._selection import EngineRecord, class_name, substituted
from .cells import Recurrence
from .engines import choose_block, refusal


def has_dense_backward(module: nn.Module) -> bool:
    """Return whether the class of a module has `run_dense`. A subclass may change the step: it has none."""
    return "run_dense" in vars(type(module))


class DenseAcceleration(EngineRecord):
    """The engine of a recurrence with `run_dense`: "dense", "loop", or "auto"."""

    def check(self, module: Recurrence) -> None:
        """Raise `ModelError` if the engine is "sparse"."""
        if self.engine == "sparse":
            raise ModelError(
                f"accelerate: engine 'sparse': expected a cell with sparse products, got {class_name(module)}; use "
                "'dense' or 'auto'"
            )

    def run(self, module: Any, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return h at all times (T, B, N) and the last state (B, S); None where the loop is to run."""
        engine = choose_block(inputs.device) if self.engine == "auto" else self.engine
        if engine == "loop":
            self.record("loop")
            return None
        names = list(module.matrices())
        weights = [getattr(module, name) for name in names]
        others = module.parameters(recurse=False)
        reasons = refusal(inputs, state, *weights, *others), *(substituted(module, name) for name in names)
        reason = next(filter(None, reasons), None)
        if reason:
            self.step_aside(module, reason)
            return None
        self.record("dense")
        found: tuple[Tensor, Tensor] = module.run_dense(inputs, state)
        return found
