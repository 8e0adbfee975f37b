"""The gradient of the loss of a module with respect to weights in scope, for SNIP and GraSP."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from .._errors import PruningError


def loss_gradients(
    loss: Callable[[], Tensor], module: nn.Module | None, parameters: Mapping[str, Tensor], *, twice: bool = False
) -> list[Tensor]:
    """Return the gradient of `loss()` for each parameter, 0 where it does not depend on it.

    `twice`: keep the graph, so that the gradients can be differentiated. Raises PruningError for a weight that is not a
    floating-point parameter of the module, and for a loss that is not a scalar with a graph.
    """
    owned = None if module is None else {id(parameter) for parameter in module.parameters()}
    for name, parameter in parameters.items():
        if owned is not None and id(parameter) not in owned:
            raise PruningError(
                f"{name}: expected a parameter, got a weight that is computed from other parameters; remove its "
                "parametrization before scoring"
            )
        if not parameter.is_floating_point():
            raise PruningError(f"{name}: expected a floating-point weight to differentiate by, got {parameter.dtype}")
    value = loss()
    if not (isinstance(value, Tensor) and value.numel() == 1 and value.requires_grad):
        got = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"{value!r}"
        graph = "" if not isinstance(value, Tensor) or value.requires_grad else " without a graph"
        raise PruningError(f"loss: expected a function that returns a scalar tensor with its graph, got {got}{graph}")
    gradients = torch.autograd.grad(value.sum(), list(parameters.values()), create_graph=twice, materialize_grads=True)
    return [gradient.to_dense() if gradient.layout is not torch.strided else gradient for gradient in gradients]
