"""Second derivatives of a pass with its own backward: run the loop with autograd again, and differentiate that."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Loop = Callable[..., tuple[Tensor, ...]]
"""The same pass with autograd, as a function of the tensors that it is differentiated by."""


def must_replay(*gradients: Tensor) -> bool:
    """Return whether a backward pass must itself be differentiated (`create_graph`) or mapped (`is_grads_batched`)."""
    if torch.is_grad_enabled() or torch._C._are_functorch_transforms_active():
        return True
    return any(torch._C._functorch.is_legacy_batchedtensor(gradient) for gradient in gradients)


def replay(
    loop: Loop, tensors: Sequence[Tensor | None], needed: Sequence[bool], gradients: Sequence[Tensor]
) -> list[Tensor | None]:
    """Return the gradients of `loop(*tensors)` by the tensors that are needed, None for the others.

    gradients: those with respect to the results of the loop. If gradients are on, the result can be differentiated.
    """
    create_graph = torch.is_grad_enabled()
    with torch.enable_grad():
        # Views, so that a hook on a parameter sees its gradient once: where the graph of the caller adds it.
        leaves = [None if tensor is None else tensor.view_as(tensor) for tensor in tensors]
        wanted = [leaf for leaf, need in zip(leaves, needed, strict=True) if leaf is not None and need]
        found = iter(
            torch.autograd.grad(loop(*leaves), wanted, gradients, create_graph=create_graph, materialize_grads=True)
        )
    return [next(found) if need else None for need in needed]
