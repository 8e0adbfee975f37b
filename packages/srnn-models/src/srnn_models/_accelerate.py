"""`accelerate` and `decelerate`: which engine runs the recurrences of a model."""

from typing import TypeVar

from torch import nn

from ._acceleration import EngineAcceleration
from ._errors import ModelError
from .cells import EdgeAcceleration, Recurrence, restore_acceleration

ENGINES = ("auto", "loop", "dense", "sparse")
Module = TypeVar("Module", bound=nn.Module)


def accelerate(model: Module, engine: str = "auto") -> Module:
    """Set the engine of every recurrence in a model, in place, and return the model.

    "loop" is the loop over time with autograd, which is what `build` gives. "dense" has its own backward pass: the
    gradient of W_hh is one product over all time steps. "sparse" computes with the entries that the mask of W_hh (a
    buffer `weight_hh_mask`) leaves, in time proportional to their number. "auto" chooses at each call, by the number of
    neurons, the density of the mask and the batch size. Results are equal up to rounding.

    `ElmanRNN`, `LeakyRNN`, `GRU` and `LSTM` have their own backward pass; other cells run by the loop. So does every
    recurrence under `torch.func`, forward-mode differentiation, autocast, `torch.compile` and export, and in dtypes
    other than float32 and float64; for "dense" and "sparse" a warning says so once. A backward pass with
    `create_graph=True` runs the loop again. A `step` is sparse only with gradients off.

    A recurrence built with `edges` computes with them from the start: for it, "sparse" and "auto" are what `build`
    gives, and "dense" is an error.

    Nothing is added to parameters, buffers or `state_dict`. `print(model)` shows the engine and those that have run.

    Raises `ModelError` for another engine, for a model without a recurrence, and for "sparse" where a recurrence has no
    mask or no backward pass of its own.

    >>> import torch
    >>> from srnn_models import GRU
    >>> accelerate(GRU(hidden=300).build(2, generator=torch.Generator().manual_seed(0)), "dense")
    GRUModule[dense](2 -> 300, bias=True)
    """
    if engine not in ENGINES:
        raise ModelError(f"engine: expected one of {', '.join(map(repr, ENGINES))}, got {engine!r}")
    accelerations = {
        module: EdgeAcceleration(engine) if module.has_edges else EngineAcceleration(engine)
        for module in _recurrences(model)
    }
    if not accelerations:
        raise ModelError(f"accelerate: expected a model with a recurrence of srnn-models, got {type(model).__name__}")
    for module, acceleration in accelerations.items():
        acceleration.check(module)
    for module, acceleration in accelerations.items():
        module.acceleration = acceleration
    return model


def decelerate(model: Module) -> Module:
    """Undo `accelerate`, in place, and return the model: every recurrence is as `build` gave it."""
    for module in _recurrences(model):
        restore_acceleration(module)
    return model


def _recurrences(model: nn.Module) -> list[Recurrence]:
    """Return the recurrences of a model that have a loop of their own: the layers of a `Stack`, not the stack."""
    found = [module for module in model.modules() if isinstance(module, Recurrence)]
    return [module for module in found if not any(isinstance(each, Recurrence) for each in list(module.modules())[1:])]
