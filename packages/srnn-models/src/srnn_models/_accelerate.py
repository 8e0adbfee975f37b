"""`accelerate` and `decelerate`: which engine runs the recurrences of a model."""

import warnings
from typing import Any, TypeVar

from torch import nn

from ._acceleration import EngineAcceleration
from ._dense_acceleration import DenseAcceleration, has_dense_backward
from ._errors import ModelError
from ._torch_acceleration import TorchAcceleration
from ._torch_layers import install, restore, torch_layers
from .cells import EdgeAcceleration, Recurrence, restore_acceleration

ENGINES = ("auto", "loop", "dense", "sparse")
Module = TypeVar("Module", bound=nn.Module)


def accelerate(model: Module, engine: str = "auto") -> Module:
    """Set the engine of every recurrence in a model, in place, and return the model.

    Recurrences are those of srnn-models, and `nn.RNN`, `nn.GRU` and `nn.LSTM`. "loop" is the loop over time with
    autograd, which is what `build` gives, and torch's own forward pass for torch's modules. "dense" has its own
    backward pass: the gradient of W_hh is one product over all time steps. "sparse" computes with the entries that the
    mask of W_hh (a buffer `weight_hh_mask`, or `weight_hh_l0_mask` and so on) leaves, in time proportional to their
    number. "auto" chooses at each call, by the number of neurons, the density of the mask and the batch size. Results
    are equal up to rounding.

    `ElmanRNN`, `LeakyRNN`, `GRU` and `LSTM` have their own backward pass, and so has a `BlockRNN`, with all entries of
    its weights ("sparse" is an error); other cells run by the loop. So does every recurrence under `torch.func`,
    forward-mode differentiation, autocast, `torch.compile` and export, and in dtypes other than float32 and float64;
    for "dense" and "sparse" a warning says so once, except in compiled code. A backward pass with `create_graph=True`
    runs the loop again. A single `step` runs by the loop; `compact` is for streaming. "sparse" takes it that W_hh is 0
    where its mask is, as srnn-masks and `torch.nn.utils.prune` keep it.

    A module of torch stays the same object, but gets a subclass such as `AcceleratedGRU`, which a program that
    unpickles it must be able to import. Each layer and direction has its own choice. A `PackedSequence`, dropout
    between layers in training, `proj_size` and `DataParallel` run torch's own forward pass. With "auto" so do layers of
    fewer than 256 neurons (512 without a mask), layers whose mask is too dense to gain, and an LSTM that is small or
    has no mask. Subclasses and parametrized modules are left alone; a warning lists them. `torch.jit.script` restores
    the class of torch.

    A recurrence built with `edges` computes with them from the start: for it, "auto" is what `build` gives, and "dense"
    is an error.

    Nothing is added to parameters, buffers or `state_dict`. `print(model)` shows the engine and those that have run.

    Raises `ModelError` for another engine, for a model without a recurrence, and for "sparse" where a recurrence has no
    mask, no backward pass of its own, or a projection.

    >>> import torch
    >>> from srnn_models import GRU
    >>> accelerate(GRU(hidden=300).build(2, generator=torch.Generator().manual_seed(0)), "dense")
    GRUModule[dense](2 -> 300, bias=True)
    >>> accelerate(nn.GRU(2, 300, batch_first=True))
    GRU[auto](2, 300, batch_first=True)
    """
    if engine not in ENGINES:
        raise ModelError(f"engine: expected one of {', '.join(map(repr, ENGINES))}, got {engine!r}")
    accelerations: dict[nn.Module, Any] = {module: _acceleration(module, engine) for module in _recurrences(model)}
    exact, others = torch_layers(model)
    accelerations |= {module: TorchAcceleration(engine) for module in exact.values()}
    alone = ", ".join(f"{name or 'the model'} ({type(module).__name__})" for name, module in others.items())
    if not accelerations:
        got = f"{type(model).__name__} with {alone}" if others else type(model).__name__
        raise ModelError(
            "accelerate: expected a model with a recurrence of srnn-models, an nn.RNN, nn.GRU or nn.LSTM (no subclass, "
            f"no parametrization), got {got}"
        )
    for module, acceleration in accelerations.items():
        acceleration.check(module)
    for module, acceleration in accelerations.items():
        install(module, acceleration)
    if alone:
        warnings.warn(
            f"accelerate: left alone, because only exact nn.RNN, nn.GRU and nn.LSTM are accelerated: {alone}",
            stacklevel=2,
        )
    return model


def decelerate(model: Module) -> Module:
    """Undo `accelerate`, in place, and return the model: every recurrence is as it was before."""
    for recurrence in _recurrences(model):
        restore_acceleration(recurrence)
    for layers in torch_layers(model):
        for layer in layers.values():
            restore(layer)
    return model


def _acceleration(module: Recurrence, engine: str) -> DenseAcceleration | EdgeAcceleration | EngineAcceleration:
    if module.has_edges:
        return EdgeAcceleration(engine)
    return DenseAcceleration(engine) if has_dense_backward(module) else EngineAcceleration(engine)


def _recurrences(model: nn.Module) -> list[Recurrence]:
    """Return the recurrences of a model that have a loop of their own: the layers of a `Stack`, not the stack."""
    found = [module for module in model.modules() if isinstance(module, Recurrence)]
    return [module for module in found if not any(isinstance(each, Recurrence) for each in list(module.modules())[1:])]
