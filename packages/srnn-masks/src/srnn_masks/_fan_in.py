"""Masks take entries away, and with them the gain of a weight; this gives the gain back."""

from math import prod

import torch
from torch import Tensor, nn

from ._find import matching, no_match, targets
from ._wear import masks


def correct_fan_in(module: nn.Module, *names: str) -> None:
    """Multiply each row of a masked weight by sqrt(columns / present entries of the row), in place.

    A dense initialisation with entries of variance g^2 / cols has recurrent gain g; a mask of density p leaves
    g sqrt(p). Corrected, each row has the variance it would have had if it had been drawn for its own fan-in. Rows
    without an entry stay 0. Call it once, on new weights: a second call multiplies again.

    Names are full parameter names or globs of those that wear a mask; none means all of them. For a weight of more
    than two dimensions, the columns are all dimensions but the first.

    Raises ValueError, before anything is changed: a name that matches no parameter with a mask, or a mask of fewer
    than two dimensions.

    >>> from srnn_masks import apply
    >>> layer = torch.nn.utils.skip_init(torch.nn.Linear, 4, 2)
    >>> _ = torch.nn.init.ones_(layer.weight)
    >>> apply(layer, {"weight": torch.tensor([[True, False, False, False], [True, True, True, True]])})
    >>> correct_fan_in(layer)
    >>> layer.weight.detach()
    tensor([[2., 0., 0., 0.],
            [1., 1., 1., 1.]])
    """
    chosen = [(parameter, _gain(mask)) for parameter, mask in _chosen(module, names)]
    for parameter, gain in chosen:
        with torch.inference_mode(parameter.is_inference()), torch.no_grad():
            parameter.mul_(gain.to(parameter))


def _chosen(module: nn.Module, names: tuple[str, ...]) -> list[tuple[nn.Parameter, Tensor]]:
    """Each masked parameter that is meant, once, whichever of its names are given."""
    worn = masks(module)
    masked = {
        name: (target, worn[first])
        for target in targets(module)
        for first in target.names
        if first in worn
        for name in target.names
    }
    chosen: dict[int, tuple[nn.Parameter, Tensor]] = {}
    for pattern in names or masked:
        matched = matching(pattern, masked)
        if not matched:
            raise no_match("correct_fan_in", pattern, masked, "masked parameter")
        for name in matched:
            target, mask = masked[name]
            if mask.dim() < 2:
                got = f"got shape {tuple(mask.shape)}"
                raise ValueError(f"correct_fan_in: parameter {name!r}: expected rows and columns, {got}")
            chosen[id(target.parameter)] = target.parameter, mask
    return list(chosen.values())


def _gain(mask: Tensor) -> Tensor:
    """Factor of each row, `(rows, 1, ...)` in double; of no matter, but finite, where there is no entry."""
    present = mask.flatten(1).sum(dim=1).clamp(min=1)  # (rows,)
    gain = (prod(mask.shape[1:]) / present.double()).sqrt()
    return gain.view(-1, *[1] * (mask.dim() - 1))
