"""How one recurrence runs after `accelerate`: the engine asked for, the choice at each call, and the edges read."""

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ._errors import ModelError
from .cells import Recur, Recurrence, has_own_backward
from .engines import Dense, Edges, Product, Reading, choose, refusal

WEIGHT, MASK = "weight_hh", "weight_hh_mask"


@dataclass(frozen=True, eq=False)
class Plan:
    """An engine other than the loop for one call, its weight (gN, N), and the mask if there is one."""

    engine: str
    weight: Tensor
    reading: Reading | None

    def edges(self) -> Edges:
        """Return the products with the edges of the mask."""
        assert self.reading is not None
        return Edges(self.reading.structure, self.weight, self.reading.mask)

    def stamp(self) -> tuple[Any, ...]:
        """Return what the values of the weight depend on; a later tensor has another identity or version."""
        weight = self.weight
        version = object() if weight.is_inference() else weight._version  # writes to inference tensors are not counted
        return id(self.reading), id(weight), weight.data_ptr(), version


class EngineAcceleration:
    """The engine of one recurrence: "auto", "loop", "dense" or "sparse".

    The mask is the buffer `weight_hh_mask` beside the weight, bool or of numbers, as srnn-masks and
    `torch.nn.utils.prune` keep it. Its edges are read again when it is another tensor or was written to. Copies and
    pickles leave out what was read.
    """

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.used: tuple[str, ...] = ()
        self._noted: tuple[str, ...] = ()
        self._reading: Reading | None = None
        self._step: tuple[Plan, tuple[Any, ...], Edges] | None = None  # those of the last step

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_reading": None, "_step": None}

    def run(self, module: Recurrence, inputs: Tensor, state: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return h at all times (T, B, N) and the last state (B, S); None where the loop is to run."""
        self._step = None
        plan = self._plan(module, inputs, state)
        if plan is None:
            return None
        product: Product = Dense(plan.weight) if plan.engine == "dense" else plan.edges()
        found: tuple[Tensor, Tensor] = module.run_with(product, plan.weight, inputs, state)  # type: ignore[operator]
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
        return _recur_by(self._step[2], plan.weight)

    def check(self, module: Recurrence) -> None:
        """Raise `ModelError` if the engine is "sparse", and the cell has no own backward pass or no mask."""
        if self.engine == "sparse":
            if not has_own_backward(module):
                raise ModelError(
                    f"accelerate: engine 'sparse': expected a cell with its own backward pass, got {_name(module)}"
                )
            self._required(module, self._read(module, getattr(module, WEIGHT)))

    def _plan(self, module: Recurrence, inputs: Tensor, state: Tensor) -> Plan | None:
        """Return the plan for inputs (T, B, I); None for the loop."""
        if self.engine == "loop" or not has_own_backward(module):
            self._record("loop")
            return None
        weight = getattr(module, WEIGHT)  # (gN, N)
        others = list(module.parameters(recurse=False))
        reason = refusal(inputs, state, weight, *others) or _substituted(module)
        if reason:
            self._note(module, reason)
            self._record("loop")
            return None
        reading, engine = self._read(module, weight), self.engine
        if engine == "auto":
            density = None if reading is None else reading.density
            engine = choose(module.hidden, inputs.shape[1], density, weight.device)
        elif engine == "sparse":
            self._required(module, reading)
        self._record(engine)
        return None if engine == "loop" else Plan(engine, weight, reading)

    def _read(self, module: Recurrence, weight: Tensor) -> Reading | None:
        """Return what is known of the mask of the weight; None without one."""
        mask = module._buffers.get(MASK)
        if mask is None:
            self._reading = None
        elif self._reading is None or not self._reading.is_of(mask, weight.device):
            if mask.shape != weight.shape:
                shapes = f"expected the shape of {WEIGHT}, {tuple(weight.shape)}, got {tuple(mask.shape)}"
                raise ModelError(f"{_name(module)}: {MASK}: {shapes}")
            self._reading = Reading(mask, weight.device)
        return self._reading

    def _required(self, module: Recurrence, reading: Reading | None) -> None:
        if reading is None:
            raise ModelError(
                f"{_name(module)}: engine 'sparse': expected a mask on {WEIGHT} (a buffer {MASK}), got none; apply one "
                "before, or use 'auto'"
            )

    def _record(self, engine: str) -> None:
        if engine not in self.used:
            self.used = (*self.used, engine)

    def _note(self, module: Recurrence, reason: str) -> None:
        """Warn, once for each reason, that the engine that was asked for by name does not run."""
        if self.engine != "auto" and reason not in self._noted:
            self._noted = (*self._noted, reason)
            warnings.warn(f"{_name(module)}: engine '{self.engine}' runs the loop here: {reason}", stacklevel=5)


def _substituted(module: nn.Module) -> str | None:
    """Return a reason for the loop in a functional call, whose masks srnn-masks applies out of place."""
    weight = module._parameters.get(WEIGHT)
    return None if weight is None or isinstance(weight, nn.Parameter) else "torch.func.functional_call"


def _recur_by(edges: Edges, dense: Tensor) -> Recur:
    """Return the product of one step with the edges of W_hh (gN, N). No other matrix of these cells reads the state."""

    def recur(name: str, x: Tensor, plus: Tensor | None = None, rows: slice | None = None) -> Tensor:
        if name != WEIGHT or rows is not None:
            raise ModelError(f"expected all rows of {WEIGHT}, got {name}")
        out = x.new_zeros(len(dense), len(x))  # (gN, B)
        if plus is not None:
            out += plus[:, None] if plus.dim() == 1 else plus.t()
        edges.add_(out, x.t().contiguous())
        return out.t()  # (B, gN)

    return recur


def _name(module: nn.Module) -> str:
    return type(module).__name__
