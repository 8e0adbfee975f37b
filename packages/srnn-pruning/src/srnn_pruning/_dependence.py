"""Which rows of the states of calls the result of a run depends on."""

from collections.abc import Iterator, Mapping
from collections.abc import Sequence as Series
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge


def gradients_of_result(result: Any, edges: Series[GradientEdge]) -> list[Tensor | None]:
    """Return the gradient of a weighted sum of all tensors in a result for each edge; None where none is known.

    None is known where the result does not depend on the edge, has no graph (e.g. of a run under `torch.no_grad`, or
    one that returns nothing), or had one that is gone.
    """
    outputs = [each for each in _tensors(result) if each.requires_grad]
    if not outputs or not edges:
        return [None] * len(edges)
    weights = [_weights(each) for each in outputs]
    try:
        return list(torch.autograd.grad(outputs, list(edges), weights, retain_graph=True, allow_unused=True))
    except RuntimeError:  # a backward pass has freed the graph, or a tensor was changed in place
        return [None] * len(edges)


def _weights(like: Tensor) -> Tensor:
    """Return weights of the entries, all different, so that e.g. probabilities do not add up to a constant."""
    numbers = torch.arange(1, like.numel() + 1, device=like.device, dtype=torch.float32)
    return numbers.cos().to(like.dtype).view(like.shape)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from _tensors(list(value.values()))
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _tensors(each)
