"""The state that an optimizer keeps of a parameter, moved to a parameter of another layout."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from ._errors import ModelError

Optimizer = torch.optim.Optimizer


def check_movable(optimizer: Optimizer, parameters: Mapping[str, Tensor]) -> None:
    """Raise `ModelError` unless what the optimizer keeps of these parameters is numbers and tensors of their shapes."""
    kind = type(optimizer).__name__
    if isinstance(optimizer, torch.optim.LBFGS):
        raise ModelError(f"optimizer: expected one that keeps its state by parameter, such as Adam, got {kind}")
    for name, parameter in parameters.items():
        for key, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor) and value.dim() and value.shape != parameter.shape:
                shape = f"expected shape {tuple(parameter.shape)}, got {tuple(value.shape)}"
                raise ModelError(f"optimizer: {key!r} that {kind} keeps of {name}: {shape}")


def move_state(
    optimizer: Optimizer, old: nn.Parameter, new: nn.Parameter, name: str, move: Callable[[Tensor], Tensor]
) -> None:
    """Put a parameter in the place of another, with its state moved.

    name: that of the new parameter. move: maps a tensor of the shape of the old one to the shape of the new one.
    """
    for group in optimizer.param_groups:
        for place, parameter in enumerate(group["params"]):
            if parameter is old:
                group["params"][place] = new
                if "param_names" in group:
                    group["param_names"][place] = name
    if old in optimizer.state:
        state = optimizer.state.pop(old)
        optimizer.state[new] = {
            key: move(value) if isinstance(value, Tensor) and value.dim() else value for key, value in state.items()
        }
