"""Balance of excitation and inhibition in weights with signs (Song et al. 2016)."""

import torch
from torch import nn

from ._find import chosen, has_signs, stored


def balance_signs(module: nn.Module, *names: str) -> None:
    """Scale the inhibitory entries of each row of a signed weight until the row sums to 0, in place.

    With four excitatory units of five, the rows of `|w| * sign` have a large positive sum, and a network of rectified
    units may diverge before it has learned. The negative entries of a row are multiplied by one factor, which makes the
    sum 0, and then the whole row by another, which restores its Euclidean norm. A row without positive or without
    negative entries stays as it is. Call it on new weights; a second call changes only rounding.

    `names` are full parameter names or globs of parameters with signs; default: all. Raises MaskError if a name other
    than "*" matches none.

    >>> from srnn_masks import apply_signs
    >>> layer = torch.nn.Linear(3, 1)
    >>> _ = torch.nn.init.ones_(layer.weight)
    >>> apply_signs(layer, {"weight": torch.tensor([1.0, 1.0, -1.0])})
    >>> balance_signs(layer)
    >>> layer.weight.detach() * 2**0.5
    tensor([[ 1.0000,  1.0000, -2.0000]])
    """
    selected = chosen("balance_signs", module, names or "*", has_signs, "signed parameter")
    parameters = [stored("balance_signs", name, record) for name, _, record in selected]
    for parameter in {id(parameter): parameter for parameter in parameters}.values():
        with torch.inference_mode(parameter.is_inference()), torch.no_grad():
            excitation, inhibition = parameter.clamp(min=0).sum(1), -parameter.clamp(max=0).sum(1)  # (rows,)
            both = ((excitation > 0) & (inhibition > 0))[:, None]
            factor = (excitation / inhibition)[:, None]
            balanced = torch.where(both & (parameter < 0), parameter * factor, parameter)
            norm, new_norm = (weight.norm(dim=1, keepdim=True) for weight in (parameter, balanced))
            parameter.copy_(torch.where(both, balanced * (norm / new_norm), parameter))
