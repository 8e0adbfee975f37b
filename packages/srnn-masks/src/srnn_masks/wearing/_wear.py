"""Apply masks to the parameters of a module, replace, read, enforce and release them.

A masked entry is zero in every forward pass and between them, gets no gradient, and no optimizer moves it. The module
itself does not change: its parameters keep their names, identity and storage.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from .._errors import MaskError
from ._constraint import WITHOUT_ZERO
from ._find import chosen, has_signs, records
from ._plan import plan, sites
from ._record import Record


def apply(module: nn.Module, masks: Mapping[str, Tensor | NDArray[Any]]) -> None:
    """Apply masks: entries where a mask is False become zero and stay zero.

    Keys are full parameter names (`named_parameters()`) or globs of them. Masks are bool tensors, or arrays of numpy
    of bools or of 0 and 1, of the parameter's shape (rows = target, cols = source). A new mask is intersected with an
    existing one, so masks can only shrink (`replace` can also restore entries). A tied parameter gets one mask under
    all its names.

    A weight with a parametrization (`torch.nn.utils.parametrizations`) has the name that it has in its module
    ("weight"). Its mask is applied last, to the weight that the parametrization gives. Parameters that it is computed
    from are matched by their full names only, not by globs.

    Raises MaskError, before anything is changed, if a key matches no parameter, a mask has another dtype or shape, or
    one parameter gets two different masks.

    >>> layer = torch.nn.utils.skip_init(torch.nn.Linear, 3, 2)
    >>> apply(layer, {"weight": torch.eye(2, 3, dtype=torch.bool)})
    >>> layer.weight.count_nonzero(dim=1) <= 1
    tensor([True, True])
    """
    _set_masks("apply", module, masks, lambda current, new: new if current is None else current & new)


def replace(module: nn.Module, masks: Mapping[str, Tensor | NDArray[Any]]) -> None:
    """Replace existing masks, e.g. to grow connections; otherwise like `apply`.

    A restored entry starts from zero. Its optimizer moments do too if a step was made while it was masked.
    """
    _set_masks("replace", module, masks, lambda current, new: new)


def release(module: nn.Module, names: str | Iterable[str] = "*") -> dict[str, Tensor]:
    """Remove masks and signs, with all hooks and buffers, so that `state_dict` has its original keys.

    The weights stay as they are, except that a parametrized weight is again what its parametrization gives. `names` are
    full parameter names or globs of parameters with a mask or signs. Returns the masks, as `masks` does, ready for
    `apply`; to apply signs again, read them with `signs` first.

    Raises MaskError for a name that matches no such parameter, except "*".
    """
    signed = any(has_signs(record) for _, _, record in records(module))
    what = "masked or signed parameter" if signed else "masked parameter"
    selected = chosen("release", module, names, lambda record: True, what)
    selected_names = {name for name, _, _ in selected}
    released = {name: mask for name, mask in _masks(records(module)).items() if name in selected_names}
    for _, host, record in selected:
        record.detach(host)
    return released


def masks(module: nn.Module) -> dict[str, Tensor]:
    """Return copies of all masks, bool of the parameter's shape, by full parameter name; a tied parameter once."""
    for _, host, record in records(module):
        record.sync(host)
    return _masks(records(module))


def _masks(items: Iterable[tuple[str, nn.Module, Record]]) -> dict[str, Tensor]:
    """Return copies of the masks of records, a tied parameter once under its first name."""
    current: dict[str, Tensor] = {}
    first: dict[int, str] = {}
    for name, host, record in items:
        if record.mask is not None:
            name = first.setdefault(record.identity(host), name)
            current[name] = current[name] & record.mask if name in current else record.mask.clone()
    return current


def enforce(module: nn.Module) -> None:
    """Enforce all masks and signs now, exactly, and zero the gradients of masked entries.

    Needed only after a write that torch does not count and no optimizer made (`weight.data.add_(...)`), or after a
    write by hand between forward passes of a compiled module. `state_dict` does the same.
    """
    for _, host, record in records(module):
        record.sync(host, exact=True)


def _set_masks(
    verb: str, module: nn.Module, new: Mapping[str, Any], combine: Callable[[Tensor | None, Tensor], Tensor]
) -> None:
    """Set the mask of each record to `combine(current mask or None, new mask)`."""
    for target, mask in plan(verb, module, new, check_mask, "mask"):
        with torch.inference_mode(False):
            mask = mask.detach().to(target.parameter.device)
            for host, record in sites(module, target):
                record.sync(host)
                record.set_buffer(host, "mask", combine(record.mask, mask))
            record.sync(host, exact=True)


def check_mask(verb: str, name: str, parameter: Tensor, mask: Tensor) -> None:
    """Raise MaskError if a mask does not fit a parameter."""
    what = f"{verb}: mask of {name!r}"
    if callable(getattr(mask, "mask", None)):
        lazy = isinstance(parameter, UninitializedParameter)
        sizes = "rows, cols" if lazy or parameter.dim() != 2 else ", ".join(map(str, parameter.shape))
        advice = f"pass its .mask({sizes}), with gates=3 for the stacked gates of a GRU, gates=4 of an LSTM"
        raise MaskError(f"{what}: expected a mask, got the pattern {type(mask).__name__}; {advice}")
    if not isinstance(mask, Tensor):
        raise MaskError(f"{what}: expected a torch.Tensor of dtype torch.bool, got {type(mask)}")
    if mask.dtype is not torch.bool:
        raise MaskError(f"{what}: expected dtype torch.bool, got {mask.dtype}")
    if mask.layout is not torch.strided:
        raise MaskError(f"{what}: expected a dense tensor (torch.strided), got {mask.layout}")
    if isinstance(parameter, UninitializedParameter):
        raise MaskError(f"{verb}: parameter {name!r}: expected a shape, got a lazy parameter; run one forward first")
    if mask.shape != parameter.shape:
        raise MaskError(f"{what}: expected shape {tuple(parameter.shape)}, got {tuple(mask.shape)}")
    if parameter.layout is not torch.strided or parameter.dtype in WITHOUT_ZERO:
        got = f"got {parameter.dtype}, {parameter.layout}"
        raise MaskError(f"{verb}: parameter {name!r}: expected a dense tensor of a dtype that can hold 0, {got}")
