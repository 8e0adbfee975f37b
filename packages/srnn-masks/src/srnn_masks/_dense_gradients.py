"""Gradients at masked entries too, which SNIP, RigL and FORCE score: the masked weights themselves stay zero."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ._find import records
from ._wear import _chosen


@contextmanager
def lifted(module: nn.Module, names: str | Iterable[str] = "*") -> Iterator[None]:
    """Within this block a backward gives the dense gradient; at its end, `.grad` is masked again.

    Only the gradient is lifted. The weights stay masked in the forward and after a step. Read `.grad` inside.
    """
    chosen = _chosen("lifted", module, names)
    held = [record for name, _, record in records(module) if name in chosen]
    for record in held:
        record.lifted += 1
    try:
        yield
    finally:
        for record in held:
            record.lifted -= 1
            record.lifts += 1  # a step inside may have put dense gradients into moments
            record.mask_gradient()


def dense_gradients(
    module: nn.Module,
    loss: Tensor,
    names: str | Iterable[str] = "*",
    *,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> dict[str, Tensor]:
    """Gradient of a scalar loss by every entry, present or masked, of the parameters that wear a mask.

    By full parameter name, in the parameter's shape. No `.grad` is read or written.

    >>> from srnn_masks import apply
    >>> layer = torch.nn.utils.skip_init(torch.nn.Linear, 2, 1)
    >>> apply(layer, {"weight": torch.tensor([[True, False]])})
    >>> dense_gradients(layer, layer(torch.tensor([3.0, 5.0])).sum())["weight"]
    tensor([[3., 5.]])
    """
    chosen = _chosen("dense_gradients", module, names)
    wanted: dict[int, tuple[str, nn.Parameter]] = {}
    for name, _, record in records(module):
        if name in chosen:
            wanted.setdefault(id(record.parameter), (name, record.parameter))
    if not wanted:
        return {}
    found = list(wanted.values())
    with lifted(module, [name for name, _ in found]):
        gradients = torch.autograd.grad(
            loss,
            [parameter for _, parameter in found],
            retain_graph=retain_graph or create_graph,
            create_graph=create_graph,
            materialize_grads=True,
        )
    return {name: gradient for (name, _), gradient in zip(found, gradients, strict=True)}
