"""One call of a recurrent module: the input and state that it was given, and the state that it returned."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.nn.utils.rnn import PackedSequence

from ._errors import PruningError
from ._torch_cells import is_torch_cell, is_torch_layer

_TORCH = ("input", "hx")  # the parameters of torch's layers and cells


@dataclass(frozen=True)
class Call:
    """Input, first and last state of one call, detached copies; a state is () where there is none or none was given.

    `given`, `returned`: where the parts of the two states are in the graph of autograd; () if they are in none.
    """

    input: Tensor | PackedSequence
    state: tuple[Tensor, ...]
    end: tuple[Tensor, ...] = ()
    given: tuple[GradientEdge, ...] = ()
    returned: tuple[GradientEdge, ...] = ()

    @staticmethod
    def of(path: str, module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> "Call":
        """Return the call `module(*args, **kwargs)`, whose first parameter is the input, the second the state.

        The parameters are those of `module.forward`, which a subclass of a layer of torch may have renamed. Raises
        PruningError, which names the module by its path, if the input is no tensor or the state consists of none.
        """
        input, state = _input_and_state(module, args, kwargs)
        name = path or type(module).__name__
        if isinstance(input, PackedSequence) and is_torch_layer(module):
            copy: Tensor | PackedSequence = input._replace(data=_copy(input.data))
        elif isinstance(input, Tensor):
            copy = _copy(input)
        else:
            packed = " or a PackedSequence" if is_torch_layer(module) else ""
            raise PruningError(f"{name}: expected a tensor{packed} as its input, got {_described(input)}")
        parts = _parts(name, state)
        return Call(copy, tuple(map(_copy, parts)), given=_edges(parts))

    def ended(self, module: nn.Module, output: Any) -> "Call":
        """Return this call with its last state, from what the call returned; without one where that has none.

        A subclass of a layer of torch may return something else, e.g. the outputs alone. No call continues it.
        """
        if not is_torch_cell(module):
            if not isinstance(output, tuple) or len(output) < 2:
                return self
            output = output[1]
        parts = tuple(_tensors(output))
        if not all(isinstance(part, Tensor) for part in parts):
            return self
        return replace(self, end=tuple(map(_copy, parts)), returned=_edges(parts))


def _input_and_state(module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the values of the first parameter of `forward`, and of the second, or of "hx" if it has this name."""
    names = _parameters(module)
    names += _TORCH[len(names) :]
    values = {**dict(zip(names, args, strict=False)), **kwargs}
    return values.get(names[0]), values.get("hx" if "hx" in values else names[1])


def _parameters(module: nn.Module) -> list[str]:
    """Return the names of the parameters of `forward`, without *args and **kwargs."""
    parameters = inspect.signature(module.forward).parameters.values()
    return [each.name for each in parameters if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]


def _parts(name: str, state: Any) -> tuple[Tensor, ...]:
    """Return the parts of a state: h alone, h and c, or none. Raises PruningError for anything else."""
    parts = () if state is None else tuple(_tensors(state))
    for part in parts:
        if not (isinstance(part, Tensor) and part.is_floating_point()):
            raise PruningError(
                f"{name}: expected a state (a tensor, a tuple of tensors, or None) as its second argument, got "
                f"{_described(state)}"
            )
    return parts


def _edges(parts: tuple[Tensor, ...]) -> tuple[GradientEdge, ...]:
    """Return where tensors are in the graph; a later change in place does not move it."""
    return tuple(get_gradient_edge(part) for part in parts) if all(part.requires_grad for part in parts) else ()


def _tensors(state: Any) -> Iterator[Any]:
    yield from state if isinstance(state, tuple | list) else [state]


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of {value.dtype} of shape {tuple(value.shape)}"
    return type(value).__name__


def _copy(value: Tensor) -> Tensor:
    with torch.inference_mode(False):  # an inference tensor could not be saved for backward
        return value.detach().clone()
