"""Fan-in correction: restore the gain that a mask takes from a weight."""

from math import prod

import torch
from torch import Tensor, nn

from .._errors import MaskError
from ._find import chosen, has_mask, stored
from ._wear import masks


def correct_fan_in(module: nn.Module, *names: str) -> None:
    """Multiply each row of a masked weight by sqrt(columns / present entries of the row), in place.

    A dense initialisation with entries of variance g^2 / cols has recurrent gain g; a mask of density p leaves
    g sqrt(p). After the correction, each row has the variance it would have if drawn for its own fan-in. Rows without
    an entry stay 0. Call it once, on new weights: a second call multiplies again.

    `names` are full parameter names or globs of masked parameters; default: all. For a weight of more than two
    dimensions, the columns are all dimensions but the first.

    Raises MaskError, before anything is changed, if a name other than "*" matches no masked parameter, or a mask has
    fewer than two dimensions.

    >>> from srnn_masks import apply
    >>> layer = torch.nn.utils.skip_init(torch.nn.Linear, 4, 2)
    >>> _ = torch.nn.init.ones_(layer.weight)
    >>> apply(layer, {"weight": torch.tensor([[True, False, False, False], [True, True, True, True]])})
    >>> correct_fan_in(layer)
    >>> layer.weight.detach()
    tensor([[2., 0., 0., 0.],
            [1., 1., 1., 1.]])
    """
    current = masks(module)
    gains: dict[int, tuple[nn.Parameter, Tensor]] = {}
    for name, _, record in chosen("correct_fan_in", module, names or "*", has_mask, "masked parameter"):
        parameter = stored("correct_fan_in", name, record)
        if id(parameter) in gains:
            continue
        mask = current[name]
        if mask.dim() < 2:
            got = f"got shape {tuple(mask.shape)}"
            raise MaskError(f"correct_fan_in: parameter {name!r}: expected rows and columns, {got}")
        gains[id(parameter)] = parameter, _gain(mask)
    for parameter, gain in gains.values():
        with torch.inference_mode(parameter.is_inference()), torch.no_grad():
            parameter.mul_(gain.to(parameter))


def _gain(mask: Tensor) -> Tensor:
    """Factor per row, float64 `(rows, 1, ...)`; finite also for rows without an entry, where it does not matter."""
    present = mask.flatten(1).sum(dim=1).clamp(min=1)  # (rows,)
    gain = (prod(mask.shape[1:]) / present.double()).sqrt()
    return gain.view(-1, *[1] * (mask.dim() - 1))
