"""Which parameter is to wear what, and the records at its places: all is checked before the first is touched."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn

from ._find import Target, matching, no_match, records, targets
from ._record import Record


def plan(
    verb: str,
    module: nn.Module,
    new: Mapping[str, Tensor],
    check: Callable[[str, str, nn.Parameter, Tensor], None],
    kind: str,
) -> list[tuple[Target, Tensor]]:
    """Which parameter gets which "mask" or "signs" (`kind`), before anything is touched.

    Every key means something, every tensor passes `check`, no parameter gets two, and no attribute is in the way.
    """
    known = {name: target for target in targets(module) for name in target.names}
    chosen: dict[int, tuple[Target, Tensor, str]] = {}
    noun = "mask" if kind == "mask" else "set of signs"
    for key, value in new.items():
        names = matching(key, known)
        if not names:
            raise no_match(verb, key, known, "parameter")
        for name in names:
            target = known[name]
            check(verb, name, target.parameter, value)
            _, other, earlier = chosen.setdefault(id(target.parameter), (target, value, name if name == key else key))
            if other is not value and not torch.equal(other, value.to(other)):
                tied = f" (one parameter: {', '.join(map(repr, target.names))})" if len(target.names) > 1 else ""
                got = f"got different ones by {earlier!r} and {key!r}"
                raise ValueError(f"{verb}: parameter {name!r}{tied} expected one {noun}, {got}")
    _refuse_taken(verb, module, [target for target, _, _ in chosen.values()], kind)
    return [(target, value) for target, value, _ in chosen.values()]


def sites(module: nn.Module, target: Target) -> Iterator[tuple[nn.Module, Record]]:
    """Host and record of each place of a parameter: the one that sits there, or a new one."""
    worn = {(id(record.owner(host)), record.name): (host, record) for _, host, record in records(module)}
    for site in target.sites:
        if (id(site.owner), site.leaf) not in worn:
            record = Record(site.path, target.parameter)
            record.put_on(site.host)
            yield site.host, record
        else:
            yield worn[id(site.owner), site.leaf]


def _refuse_taken(verb: str, module: nn.Module, chosen: Iterable[Target], kind: str) -> None:
    """Raise a ValueError where an attribute `<name>_mask` (or `_signs`) is there already, and not ours."""
    ours = {
        (id(record.owner(host)), record.name)
        for _, host, record in records(module)
        if getattr(record.worn, kind) is not None
    }
    for target in chosen:
        for site in target.sites:
            if hasattr(site.owner, f"{site.leaf}_{kind}") and (id(site.owner), site.leaf) not in ours:
                where = f"{type(site.owner).__name__} that owns {target.names[0]!r}"
                raise ValueError(f"{verb}: expected no attribute {site.leaf}_{kind} on the {where}, got one of its own")
