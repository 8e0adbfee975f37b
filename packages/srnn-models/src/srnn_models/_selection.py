"""The engine of a module: the one asked for, the one that each call uses by its mask, and those that have run."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ._errors import ModelError
from ._torch_layers import torch_class
from .engines import Dense, Edges, Product, Reading


@dataclass(frozen=True, eq=False)
class Plan:
    """The engine of one call, its weight (gN, N), and the mask if there is one."""

    engine: str
    weight: Tensor
    reading: Reading | None

    def product(self) -> Product:
        """Return the products of "dense" or "sparse"."""
        if self.engine == "dense":
            return Dense(self.weight)
        assert self.reading is not None
        return Edges(self.reading.structure, self.weight, self.reading.mask)


class EngineRecord:
    """The engine of a module that was asked for; `used` are those that have run."""

    loop_name = "the loop"  # what "loop" is called in messages

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.used: tuple[str, ...] = ()
        self._noted: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the engine and those that have run, such as "auto: loop, sparse"."""
        return f"{self.engine}: {', '.join(self.used)}" if self.used else self.engine

    def record(self, *engines: str) -> None:
        """Add engines to those that have run."""
        for engine in engines:
            if engine not in self.used:
                self.used = (*self.used, engine)

    def step_aside(self, module: nn.Module, reason: str) -> None:
        """Record the loop. Warn, once for each reason, if another engine was asked for by name.

        `torch.compile` cannot trace a warning: there is none.
        """
        self.record("loop")
        if self.engine != "auto" and reason not in self._noted and not torch.compiler.is_compiling():
            self._noted = (*self._noted, reason)
            message = f"{class_name(module)}: engine '{self.engine}' runs {self.loop_name} here: {reason}"
            warnings.warn(message, stacklevel=5)


class Selection(EngineRecord):
    """The engine of a module: "auto", "loop", "dense" or "sparse".

    The mask of a weight is the buffer `<weight>_mask` beside it, bool or of numbers, as srnn-masks and
    `torch.nn.utils.prune` keep it. Its edges are read again when it is another tensor or was written to. Copies and
    pickles leave out what was read.
    """

    def __init__(self, engine: str) -> None:
        super().__init__(engine)
        self._readings: dict[str, Reading] = {}  # by name of the weight

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_readings": {}}

    def plan(self, module: nn.Module, name: str, choose: Callable[[float | None, torch.device], str]) -> Plan:
        """Return the plan of one call for the weight `name`. choose: the engine of "auto", by mask density and device.

        Raises `ModelError` for a mask of another shape, and for "sparse" without a mask.
        """
        weight, engine = getattr(module, name), self.engine  # (gN, N)
        reading = self._read(module, name, weight)
        if engine == "auto":
            engine = choose(None if reading is None else reading.density, weight.device)
        return Plan(engine, weight, reading)

    def _read(self, module: nn.Module, name: str, weight: Tensor) -> Reading | None:
        """Return what is known of the mask of a weight; None without one."""
        mask = module._buffers.get(f"{name}_mask")
        if mask is None:
            self._readings.pop(name, None)
            if self.engine == "sparse":
                raise ModelError(
                    f"{class_name(module)}: engine 'sparse': expected a mask on {name} (a buffer {name}_mask), got "
                    "none; apply one before, or use 'auto'"
                )
            return None
        reading = self._readings.get(name)
        if reading is None or not reading.is_of(mask, weight.device):
            if mask.shape != weight.shape:
                shapes = f"expected the shape of {name}, {tuple(weight.shape)}, got {tuple(mask.shape)}"
                raise ModelError(f"{class_name(module)}: {name}_mask: {shapes}")
            reading = self._readings[name] = Reading(mask, weight.device)
        return reading


def substituted(module: nn.Module, name: str) -> str | None:
    """Return a reason for the loop in a functional call, whose masks srnn-masks applies out of place."""
    weight = module._parameters.get(name)
    return None if weight is None or isinstance(weight, nn.Parameter) else "torch.func.functional_call"


def class_name(module: nn.Module) -> str:
    """Return the class of a module for messages; an accelerated `nn.GRU` is a GRU."""
    return torch_class(type(module)).__name__
