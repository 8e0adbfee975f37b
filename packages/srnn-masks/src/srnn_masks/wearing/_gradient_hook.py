"""The backward hook of a masked parameter: gradient times mask."""

import weakref
from typing import Protocol

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from ._constraint import Constraint


class Masked(Protocol):
    """What the hook reads: the constraint, and the number of open `lifted` blocks."""

    constraint: Constraint
    lifted: int


class _GradientMask:
    """Multiply the gradient by the mask. NaN * 0 stays NaN, so that divergence checks still see it."""

    __torch_unserializable__ = True  # avoids a warning when the tensor is pickled; the copy's record adds its own hook

    def __init__(self, masked: Masked) -> None:
        self._masked = weakref.ref(masked)

    def __call__(self, gradient: Tensor) -> Tensor | None:
        masked = self._masked()
        return None if masked is None or masked.lifted else masked.constraint.masked(gradient)


def hook_gradient(parameter: nn.Parameter, masked: Masked) -> RemovableHandle | None:
    """Register the hook, which refers to `masked` weakly. Return None for a parameter that cannot have gradients.

    A frozen parameter gets the hook too; it takes effect once `requires_grad` is set again.
    """
    if parameter.is_inference() or not (parameter.is_floating_point() or parameter.is_complex()):
        return None
    frozen = not parameter.requires_grad
    if frozen:
        parameter.requires_grad_(True)
    handle: RemovableHandle = parameter.register_hook(_GradientMask(masked))  # type: ignore[no-untyped-call]
    if frozen:
        parameter.requires_grad_(False)
    return handle
