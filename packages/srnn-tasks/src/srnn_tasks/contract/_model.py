"""What a source requires of a model, and helpers for every evaluation."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ._batch import Batch
from ._error import TaskError


class Model(Protocol):
    """A callable that maps a whole batch to outputs: an `nn.Module`, or a plain function for a baseline."""

    def __call__(self, inputs: Tensor, start: Tensor | None = None, state: Any = None) -> tuple[Tensor, Any]:
        """Return outputs `(T, B, O)` and the state after the last step. inputs: `(T, B, I)`, or `(T, B)` tokens."""
        ...


CONTRACT = "expected a callable that maps (inputs, start, state) to (outputs (T, B, O), state)"


def apply_model(model: Model, batch: Batch, state: Any, *, outputs: int) -> tuple[Tensor, Any]:
    """Return the model's outputs `(T, B, O)` for a batch and its state after the last step.

    Raises a TaskError that states the contract if the model cannot be called like that, or returns anything else.

    outputs: O, as in the spec.
    """
    if isinstance(model, nn.RNNBase | nn.RNNCellBase) or not _accepts_three(model):
        name = type(model).__name__ if isinstance(model, nn.Module) else repr(model)
        raise TaskError(
            f"model: {CONTRACT}; {name} takes other arguments. srnn_tasks.adapt(module, readout=nn.Linear(hidden, "
            f"{outputs})) makes such a model of a torch.nn.RNN, GRU or LSTM, or another module of (inputs, state)"
        )
    returned = model(batch.inputs, batch.start, state)
    if not (isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[0], Tensor)):
        raise TaskError(
            f"model: {CONTRACT}; it returned {_described(returned)}. "
            "srnn_tasks.adapt(module) makes such a model of a module that returns outputs alone"
        )
    expected = (batch.steps, batch.size, outputs)
    if tuple(returned[0].shape) != expected:
        raise TaskError(
            f"model: expected outputs (T, B, O) = {expected}; got {tuple(returned[0].shape)}. "
            f"A readout is missing? srnn_tasks.adapt(module, readout=nn.Linear(hidden, {outputs})) adds one"
        )
    return returned


def step_model(model: Model, inputs: Tensor, state: Any, *, outputs: int) -> tuple[Tensor, Any]:
    """Return the model's outputs `(B, O)` for one time step and its state after it, for roll-outs in an environment.

    The model is called on a batch of one step with the state that its last call returned, None at the first: any model
    of the contract can be rolled out. With the state carried, the outputs are those of one call on all steps together.
    Hooks of the module run, such as those that apply masks.

    inputs: `(B, I)`, or `(B,)` tokens. outputs: O, as in the spec.

    >>> total = lambda inputs, start, state: ((sums := inputs.cumsum(0) + (0 if state is None else state)), sums[-1])
    >>> outputs, state = step_model(total, torch.ones(2, 3), None, outputs=3)
    >>> step_model(total, torch.ones(2, 3), state, outputs=3)[0]
    tensor([[2., 2., 2.],
            [2., 2., 2.]])
    """
    targets = torch.zeros(1, len(inputs), outputs, device=inputs.device, dtype=torch.float32)
    stepped, state = apply_model(model, Batch(inputs=inputs[None], targets=targets), state, outputs=outputs)
    return stepped[0], state  # (B, O)


def _accepts_three(model: object) -> bool:
    """Return whether an object can be called with three positional arguments, as far as its signature shows."""
    if not callable(model):
        return False
    try:
        inspect.signature(model.forward if isinstance(model, nn.Module) else model).bind(None, None, None)
    except TypeError:
        return False
    except ValueError:  # a callable without a signature
        return True
    return True


def _described(value: object) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}: {', '.join(type(part).__name__ for part in value)}"
    return f"a {type(value).__name__}"


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
