"""Which parameter gets which mask or signs, and the records at its places. All is checked before anything changes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .._errors import MaskError
from ._arrays import as_tensor
from ._find import Target, matching, no_match, records, targets
from ._record import Record


def plan(
    verb: str,
    module: nn.Module,
    new: Mapping[str, Any],
    check: Callable[[str, str, Tensor, Tensor], None],
    kind: str,
) -> list[tuple[Target, Tensor]]:
    """Match the keys of `new`, names or globs, to parameters; `kind` is "mask" or "signs". Changes nothing.

    Raises MaskError if a key matches nothing, a tensor fails `check`, a parameter gets two different tensors, or the
    name of the buffer is taken.
    """
    known = {name: target for target in targets(module) for name in target.names}
    own_names = [name for name, target in known.items() if not target.source]
    planned: dict[int, tuple[Target, Tensor, str]] = {}
    noun = "mask" if kind == "mask" else "set of signs"
    for key, value in new.items():
        value = as_tensor(value, kind, f"{verb}: {kind} of {key!r}")
        names = [key] if key in known else matching(key, own_names)
        if not names:
            raise no_match(verb, key, own_names, "parameter")
        for name in names:
            target = known[name]
            check(verb, name, target.parameter, value)
            _, earlier, earlier_key = planned.setdefault(
                id(target.parameter), (target, value, name if name == key else key)
            )
            if earlier is not value and not torch.equal(earlier, value.to(earlier)):
                tied = f" (tied: {', '.join(map(repr, target.names))})" if len(target.names) > 1 else ""
                got = f"got different ones from {earlier_key!r} and {key!r}"
                raise MaskError(f"{verb}: parameter {name!r}{tied}: expected one {noun}, {got}")
    _refuse_taken(verb, module, [target for target, _, _ in planned.values()], kind)
    return [(target, value) for target, value, _ in planned.values()]


def sites(module: nn.Module, target: Target) -> Iterator[tuple[nn.Module, Record]]:
    """Yield host and record for each place of a parameter; a record is created where there is none."""
    existing = {(id(record.owner(host)), record.name): (host, record) for _, host, record in records(module)}
    for site in target.sites:
        if (id(site.owner), site.leaf) not in existing:
            parameter = target.parameter
            record = Record(site.path, parameter if isinstance(parameter, nn.Parameter) else None)
            record.attach(site.host)
            yield site.host, record
        else:
            yield existing[id(site.owner), site.leaf]


def _refuse_taken(verb: str, module: nn.Module, chosen: Iterable[Target], kind: str) -> None:
    """Raise MaskError if `<name>_mask` (or `_signs`) is already an attribute, and not one of ours."""
    ours = {
        (id(record.owner(host)), record.name)
        for _, host, record in records(module)
        if getattr(record.constraint, kind) is not None
    }
    for target in chosen:
        for site in target.sites:
            if hasattr(site.owner, f"{site.leaf}_{kind}") and (id(site.owner), site.leaf) not in ours:
                buffer = f"{site.leaf}_{kind} for the buffer on its {type(site.owner).__name__}"
                raise MaskError(
                    f"{verb}: parameter {target.names[0]!r}: expected a free name {buffer}, got an attribute there"
                )
