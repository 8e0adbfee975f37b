"""Apply signs to the columns of weights (Dale's law), align weights with them, and read them.

Signs are enforced as masks are: the record of a parameter holds both.
"""

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from .._errors import MaskError
from ._constraint import SIGNED
from ._enforced import records_of
from ._find import records
from ._plan import plan, sites


def apply_signs(module: nn.Module, signs: Mapping[str, Tensor | NDArray[Any]]) -> None:
    """Apply signs: from now on, an entry of column j has the sign of `signs[j]` or is 0.

    Keys are full parameter names or globs of them, parameters are matrices (rows = target, cols = source), signs are
    `(cols,)` of +1 and -1: float tensors, or arrays of numpy. With stacked gates one sign holds for the rows of all
    gates. Existing signs are replaced. A mask on the same parameter stays; it may also be applied later.

    The weights become `|w| * sign` at once, which keeps their magnitude. Afterwards an entry that a step moves across 0
    is clamped to 0. Its gradient and its moments are not touched, so it can leave 0 again. A weight of the wrong sign
    that is written by hand or loaded is clamped at the next forward; call `align_signs` before to keep its magnitude.

    Raises MaskError, before anything is changed, if a key matches no parameter, a parameter is not a real matrix or is
    parametrized (apply signs before, they are kept), signs have another dtype, shape or value than expected, or one
    parameter gets different signs.

    >>> layer = torch.nn.Linear(2, 3)
    >>> apply_signs(layer, {"weight": torch.tensor([1.0, -1.0])})
    >>> layer.weight.detach().sign().unique(dim=0)
    tensor([[ 1., -1.]])
    """
    verb = "apply_signs"
    planned = plan(verb, module, signs, check_signs, "signs")
    for target, new in planned:
        for existing in _signs_outside(module, target.parameter):
            if not torch.equal(existing, new.to(existing)):
                tied = f"parameter {target.names[0]!r} is tied to a parameter outside this {type(module).__name__}"
                raise MaskError(f"{verb}: {tied}: expected the same signs as there, got different ones")
    for target, new in planned:
        with torch.inference_mode(False):
            new = new.detach().to(target.parameter)
            for host, record in sites(module, target):
                record.rebind(host)
                record.check()
                record.set_buffer(host, "signs", new)
            record.align()


def align_signs(module: nn.Module) -> None:
    """Set every weight with signs to `|w| * sign`, which keeps its magnitude.

    For weights that were re-initialized (`reset_parameters`) or written by hand. Call it before the next forward or
    `enforce`, which would clamp entries of the wrong sign to 0.
    """
    for _, host, record in records(module):
        record.rebind(host)
    for _, _, record in records(module):
        if record.signs is not None:
            record.align()


def signs(module: nn.Module) -> dict[str, Tensor]:
    """Return copies of all signs, float `(cols,)`, by full parameter name; a tied parameter once."""
    current: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, host, record in records(module):
        record.sync(host)
        if record.signs is not None and record.identity(host) not in seen:
            seen.add(record.identity(host))
            current[name] = record.signs.clone()
    return current


def _signs_outside(module: nn.Module, parameter: Tensor) -> list[Tensor]:
    """The signs of a tied parameter in other modules."""
    inside = {id(record) for _, _, record in records(module)}
    outside = [record.signs for record in records_of(parameter) if id(record) not in inside]
    return [signs for signs in outside if signs is not None]


def check_signs(verb: str, name: str, parameter: Tensor, signs: Tensor) -> None:
    """Raise MaskError if signs do not fit a parameter."""
    what = f"{verb}: signs of {name!r}"
    if callable(getattr(signs, "signs", None)):
        advice = "pass its .signs(cols), one sign per column of the parameter"
        raise MaskError(f"{what}: expected signs, got the value {type(signs).__name__}; {advice}")
    if not isinstance(signs, Tensor):
        raise MaskError(f"{what}: expected a float torch.Tensor of +1 and -1, got {type(signs)}")
    if not signs.is_floating_point() or signs.layout is not torch.strided:
        raise MaskError(f"{what}: expected a dense float tensor of +1 and -1, got {signs.dtype}, {signs.layout}")
    if isinstance(parameter, UninitializedParameter):
        raise MaskError(f"{verb}: parameter {name!r}: expected a shape, got a lazy parameter; run one forward first")
    if not isinstance(parameter, nn.Parameter):
        raise MaskError(f"{verb}: {name!r}: expected a parameter, got a parametrized weight; apply signs before")
    if parameter.dim() != 2 or parameter.dtype not in SIGNED or parameter.layout is not torch.strided:
        got = f"got shape {tuple(parameter.shape)} of {parameter.dtype}"
        raise MaskError(f"{verb}: parameter {name!r}: expected a float matrix (rows, cols), {got}")
    if signs.shape != parameter.shape[1:]:
        expected = f"expected shape {tuple(parameter.shape[1:])}, one sign per column"
        raise MaskError(f"{what}: {expected}, got {tuple(signs.shape)}")
    wrong = signs[signs.abs() != 1]
    if wrong.numel():
        raise MaskError(f"{what}: expected +1 and -1 only, got {wrong[0].item()}")
