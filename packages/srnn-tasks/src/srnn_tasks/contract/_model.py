"""What a source requires of a model, and two helpers for every evaluation."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn


class Model(Protocol):
    """A callable that maps a whole batch to outputs: an `nn.Module`, or a plain function for a baseline."""

    def __call__(self, inputs: Tensor, start: Tensor | None = None, state: Any = None) -> tuple[Tensor, Any]:
        """Return outputs `(T, B, O)` and the state after the last step. inputs: `(T, B, I)`, or `(T, B)` tokens."""
        ...


@contextmanager
def evaluating(model: object) -> Iterator[None]:
    """Context manager for evaluation: eval mode and no gradients. On exit, restore the mode of each submodule.

    >>> model = nn.Sequential(nn.Dropout())
    >>> with evaluating(model):
    ...     (model.training, torch.is_grad_enabled())
    (False, False)
    >>> model.training
    True
    """
    modes = [(module, module.training) for module in model.modules()] if isinstance(model, nn.Module) else []
    try:
        for module, _ in modes:
            module.training = False
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def carried(state: Any, reset: Tensor | None) -> Any:
    """Return the initial state for the next batch: detached, and 0 in the rows where `reset` is True.

    state: None, a tensor `(..., B, N)`, or any nesting of tuples, lists and dicts of those. reset: `(B,)` bool or None.

    >>> carried(torch.ones(2, 3), torch.tensor([True, False]))
    tensor([[0., 0., 0.],
            [1., 1., 1.]])
    """
    if isinstance(state, Tensor):
        return state.detach() if reset is None else state.detach().masked_fill(reset[:, None], 0)
    if isinstance(state, tuple):
        parts = [carried(part, reset) for part in state]
        return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)
    if isinstance(state, list):
        return [carried(part, reset) for part in state]
    if isinstance(state, dict):
        return {name: carried(part, reset) for name, part in state.items()}
    return state
