"""Gradients at masked entries too, which SNIP, RigL and FORCE score. The masked weights themselves stay zero."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ._find import chosen, has_mask, stored


@contextmanager
def lifted(module: nn.Module, names: str | Iterable[str] = "*") -> Iterator[None]:
    """Context in which `backward` gives the dense gradient; when it exits, `.grad` is masked again.

    Only the gradient is dense: the weights stay masked in the forward pass and after a step. Read `.grad` inside the
    block. Raises MaskError for a name that matches no masked parameter, except "*".
    """
    records = [record for _, _, record in chosen("lifted", module, names, has_mask, "masked parameter")]
    for record in records:
        record.lift()
    try:
        yield
    finally:
        for record in records:
            record.lower()


def dense_gradients(
    module: nn.Module,
    loss: Tensor,
    names: str | Iterable[str] = "*",
    *,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> dict[str, Tensor]:
    """Return the gradient of a scalar loss at every entry, present or masked, of the masked parameters.

    Keys are full parameter names; each gradient has the parameter's shape. `.grad` is neither read nor written.
    Raises MaskError for a name that matches no masked parameter, except "*".

    >>> from srnn_masks import apply
    >>> layer = torch.nn.utils.skip_init(torch.nn.Linear, 2, 1)
    >>> apply(layer, {"weight": torch.tensor([[True, False]])})
    >>> dense_gradients(layer, layer(torch.tensor([3.0, 5.0])).sum())["weight"]
    tensor([[3., 5.]])
    """
    parameters: dict[int, tuple[str, nn.Parameter]] = {}  # tied parameters once, under their first name
    for name, _, record in chosen("dense_gradients", module, names, has_mask, "masked parameter"):
        parameter = stored("dense_gradients", name, record)
        parameters.setdefault(id(parameter), (name, parameter))
    if not parameters:
        return {}
    with lifted(module, [name for name, _ in parameters.values()]):
        gradients = torch.autograd.grad(
            loss,
            [parameter for _, parameter in parameters.values()],
            retain_graph=retain_graph or create_graph,
            create_graph=create_graph,
            materialize_grads=True,
        )
    return {name: gradient for (name, _), gradient in zip(parameters.values(), gradients, strict=True)}
