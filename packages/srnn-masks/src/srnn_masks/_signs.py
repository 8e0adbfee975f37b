"""Put signs on the columns of weights (Dale's law), turn weights to them, read them.

What is written of masks holds for signs: the record of a parameter carries both.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from ._find import records
from ._plan import plan, sites
from ._record import wearing


def apply_signs(module: nn.Module, signs: Mapping[str, Tensor]) -> None:
    """Let columns of weights wear signs from now on: an entry of column j has the sign of `signs[j]` or is 0.

    Keys are full parameter names or globs of them, parameters are matrices (rows = target, cols = source), signs are
    float `(cols,)` of +1 and -1. With stacked gates one sign holds for the rows of all gates. Signs that are worn
    already are replaced; a mask on the same parameter stays, and may come later.

    The weights become `|w| * sign` at once, which keeps the size of each. Afterwards an entry that a step takes
    across 0 is clamped to 0. Its gradient and its moments are left alone, so it comes back when they ask for it. A
    weight of the wrong sign that is written by hand or loaded is clamped at the next forward: `align_signs` first
    keeps its size. Either all signs are put on or none.

    Raises ValueError: a key that matches no parameter, a parameter that is no real matrix, signs of another dtype,
    shape or value than expected, or different signs for one parameter.

    >>> layer = torch.nn.Linear(2, 3)
    >>> apply_signs(layer, {"weight": torch.tensor([1.0, -1.0])})
    >>> layer.weight.detach().sign().unique(dim=0)
    tensor([[ 1., -1.]])
    """
    verb = "apply_signs"
    chosen = plan(verb, module, signs, _check, "signs")
    for target, new in chosen:
        for worn in _elsewhere(module, target.parameter):
            if not torch.equal(worn, new.to(worn)):
                tied = f"parameter {target.names[0]!r}, tied to one outside of this {type(module).__name__}"
                raise ValueError(f"{verb}: {tied}: expected the signs worn there, got different ones")
    for target, new in chosen:
        with torch.inference_mode(False):
            new = new.detach().to(target.parameter)
            for host, record in sites(module, target):
                record.follow(host)
                record.check()
                record.change(host, "signs", new)
            record.align()


def align_signs(module: nn.Module) -> None:
    """Turn every weight that wears signs to `|w| * sign`, which keeps its size.

    For weights that were drawn anew (`reset_parameters`) or written by hand. Call it before the next forward or
    `enforce`, which would clamp those of the wrong sign to 0.
    """
    for _, host, record in records(module):
        record.follow(host)
    for _, _, record in records(module):
        if record.signs is not None:
            record.align()


def signs(module: nn.Module) -> dict[str, Tensor]:
    """Copies of the signs worn, float `(cols,)`, by full parameter name; a tied parameter once."""
    worn: dict[str, Tensor] = {}
    first: set[int] = set()
    for name, host, record in records(module):
        record.sync(host)
        if record.signs is not None and id(record.parameter) not in first:
            first.add(id(record.parameter))
            worn[name] = record.signs.clone()
    return worn


def _elsewhere(module: nn.Module, parameter: nn.Parameter) -> list[Tensor]:
    """The signs that a tied parameter wears in modules outside of this one."""
    inside = {id(record) for _, _, record in records(module)}
    outside = [record.signs for record in wearing(parameter) if id(record) not in inside]
    return [signs for signs in outside if signs is not None]


def _check(verb: str, name: str, parameter: nn.Parameter, signs: Tensor) -> None:
    what = f"{verb}: signs of {name!r}"
    if not isinstance(signs, Tensor):
        raise ValueError(f"{what}: expected a float torch.Tensor of +1 and -1, got {type(signs)}")
    if not signs.is_floating_point() or signs.layout is not torch.strided:
        raise ValueError(f"{what}: expected a dense float tensor of +1 and -1, got {signs.dtype}, {signs.layout}")
    if isinstance(parameter, UninitializedParameter):
        raise ValueError(f"{verb}: parameter {name!r}: expected a shape, got a lazy one; run one forward first")
    if parameter.dim() != 2 or not parameter.is_floating_point():
        got = f"got shape {tuple(parameter.shape)} of {parameter.dtype}"
        raise ValueError(f"{verb}: parameter {name!r}: expected a float matrix (rows, cols), {got}")
    if signs.shape != parameter.shape[1:]:
        expected = f"expected shape {tuple(parameter.shape[1:])}, one for each column"
        raise ValueError(f"{what}: {expected}, got {tuple(signs.shape)}")
    wrong = signs[signs.abs() != 1]
    if wrong.numel():
        raise ValueError(f"{what}: expected +1 and -1 only, got {wrong[0].item()}")
