"""Put masks on the parameters of any module, take them off, read them.

A masked entry is zero at every forward and between them, gets no gradient, and no optimizer moves it. The module
stays what it was: its parameters keep their names, identity and storage.
"""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from ._find import matching, no_match, records, targets
from ._plan import plan, sites
from ._record import Record


def apply(module: nn.Module, masks: Mapping[str, Tensor]) -> None:
    """Let parameters wear masks from now on: entries where a mask is False are zero and stay zero.

    Keys are full parameter names (`named_parameters()`) or globs of them. Masks are bool tensors of the parameter's
    shape (rows = target, cols = source). Where a mask is worn already, the two intersect: a mask can only get tighter
    (`replace` also loosens). A tied parameter wears one mask under all its names. Either all masks are put on or none.

    Raises ValueError: a key that matches no parameter, a mask of another dtype or shape than expected, or two
    different masks for one parameter.

    >>> layer = torch.nn.utils.skip_init(torch.nn.Linear, 3, 2)
    >>> apply(layer, {"weight": torch.eye(2, 3, dtype=torch.bool)})
    >>> layer.weight.count_nonzero(dim=1) <= 1
    tensor([True, True])
    """
    _wear("apply", module, masks, lambda worn, new: new if worn is None else worn & new)


def replace(module: nn.Module, masks: Mapping[str, Tensor]) -> None:
    """Let parameters wear these masks in place of those they wear, as growth needs it; else like `apply`.

    An entry that comes back starts from zero, its optimizer moments too if a step was made while it was away.
    """
    _wear("replace", module, masks, lambda worn, new: new)


def release(module: nn.Module, names: str | Iterable[str] = "*") -> dict[str, Tensor]:
    """Take masks and signs off and give the plain module back: no hooks, no buffers, its old state_dict keys.

    The weights stay as they are. Names are full parameter names or globs of those that wear a mask or signs; one that
    matches none is a ValueError, but for the default. Returns the masks as `masks` does, ready for `apply`; what
    `signs` gave before is ready for `apply_signs`.
    """
    signed = any(record.signs is not None for _, _, record in records(module))
    what = "masked or signed parameter" if signed else "masked parameter"
    chosen = _chosen("release", module, names, lambda record: True, what)
    released = {name: mask for name, mask in masks(module).items() if name in chosen}
    for record_name, host, record in list(records(module)):
        if record_name in chosen:
            record.take_off(host)
    return released


def masks(module: nn.Module) -> dict[str, Tensor]:
    """Copies of the masks worn, bool of the parameter's shape, by full parameter name; a tied parameter once."""
    worn: dict[str, Tensor] = {}
    first: dict[int, str] = {}
    for name, host, record in records(module):
        record.sync(host)
        if record.mask is not None:
            name = first.setdefault(id(record.parameter), name)
            worn[name] = worn[name] & record.mask if name in worn else record.mask.clone()
    return worn


def enforce(module: nn.Module) -> None:
    """Hold all masks and signs again now, exactly; the gradients of masked entries too.

    Needed only after a write that torch does not count and no optimizer made (`weight.data.add_(...)`), or by hand
    between the forwards of a compiled module.
    """
    for _, host, record in records(module):
        record.sync(host, exact=True)


def _wear(
    verb: str, module: nn.Module, new: Mapping[str, Tensor], combine: Callable[[Tensor | None, Tensor], Tensor]
) -> None:
    for target, mask in plan(verb, module, new, _check, "mask"):
        with torch.inference_mode(False):
            mask = mask.detach().to(target.parameter.device)
            for host, record in sites(module, target):
                record.sync(host)
                record.change(host, "mask", combine(record.mask, mask))
            record.hold(exact=True)


def _check(verb: str, name: str, parameter: nn.Parameter, mask: Tensor) -> None:
    if not isinstance(mask, Tensor):
        raise ValueError(f"{verb}: mask of {name!r}: expected a torch.Tensor of dtype torch.bool, got {type(mask)}")
    if mask.dtype is not torch.bool:
        raise ValueError(f"{verb}: mask of {name!r}: expected dtype torch.bool, got {mask.dtype}")
    if mask.layout is not torch.strided:
        raise ValueError(f"{verb}: mask of {name!r}: expected a dense tensor (torch.strided), got {mask.layout}")
    if isinstance(parameter, UninitializedParameter):
        raise ValueError(f"{verb}: parameter {name!r}: expected a shape, got a lazy one; run one forward first")
    if mask.shape != parameter.shape:
        expected = f"expected shape {tuple(parameter.shape)}"
        raise ValueError(f"{verb}: mask of {name!r}: {expected}, got {tuple(mask.shape)}")


def _chosen(
    verb: str,
    module: nn.Module,
    names: str | Iterable[str],
    wears: Callable[[Record], bool] = lambda record: record.mask is not None,
    what: str = "masked parameter",
) -> set[str]:
    """Names under which the chosen records sit; a tied parameter is chosen under all its names by one of them."""
    found = [(name, id(record.parameter)) for name, _, record in records(module) if wears(record)]
    tied = {name: {id(target.parameter)} for target in targets(module) for name in target.names}
    worn = {identity for _, identity in found}
    known = [name for name, identities in tied.items() if identities & worn]
    chosen: set[int] = set()
    for pattern in [names] if isinstance(names, str) else names:
        matched = matching(pattern, known)
        if not matched and pattern != "*":
            raise no_match(verb, pattern, known, what)
        chosen.update(*(tied[name] for name in matched))
    return {name for name, identity in found if identity in chosen}
