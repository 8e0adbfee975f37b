"""Weights with signs have a mean; balanced, excitation and inhibition of each unit cancel, as in Song et al. 2016."""

import torch
from torch import nn

from ._find import matching, no_match, records


def balance_signs(module: nn.Module, *names: str) -> None:
    """Scale excitation and inhibition of each row of a weight with signs until they cancel, in place.

    With four excitatory units of five, the rows of `|w| * sign` have a large positive sum, and a network of rectified
    units may blow up before it has learned. Here each row's inhibitory entries are multiplied by one factor, which
    makes the sum 0, and then the whole row by another, which gives it back its Euclidean norm. A row that lacks one of
    the two kinds stays as it is. Call it on new weights; a second call changes nothing but roundings.

    Names are full parameter names or globs of those that wear signs; none means all of them.
    Raises ValueError: a name that matches no parameter with signs.

    >>> from srnn_masks import apply_signs
    >>> layer = torch.nn.Linear(3, 1)
    >>> _ = torch.nn.init.ones_(layer.weight)
    >>> apply_signs(layer, {"weight": torch.tensor([1.0, 1.0, -1.0])})
    >>> balance_signs(layer)
    >>> layer.weight.detach() * 2**0.5
    tensor([[ 1.0000,  1.0000, -2.0000]])
    """
    signed = {name: record for name, _, record in records(module) if record.signs is not None}
    chosen: dict[int, nn.Parameter] = {}
    for pattern in names or signed:
        matched = matching(pattern, signed)
        if not matched:
            raise no_match("balance_signs", pattern, signed, "parameter with signs")
        chosen |= {id(signed[name].parameter): signed[name].parameter for name in matched}
    for parameter in chosen.values():
        with torch.inference_mode(parameter.is_inference()), torch.no_grad():
            excite, inhibit = parameter.clamp(min=0).sum(1), -parameter.clamp(max=0).sum(1)  # (rows,)
            both = ((excite > 0) & (inhibit > 0))[:, None]
            factor = (excite / inhibit)[:, None]
            balanced = torch.where(both & (parameter < 0), parameter * factor, parameter)
            norm, new = (held.norm(dim=1, keepdim=True) for held in (parameter, balanced))
            parameter.copy_(torch.where(both, balanced * (norm / new), parameter))
