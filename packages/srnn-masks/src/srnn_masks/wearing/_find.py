"""Find the parameters of a module, the records on them, and what a name or glob selects."""

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from torch import Tensor, nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from .._errors import MaskError
from ._computed import Computed, computed_weights
from ._record import Record


@dataclass
class Site:
    """One place of a parameter: `owner.<leaf>`, reached by `path` from `host`, the module that is called."""

    owner: nn.Module
    leaf: str
    host: nn.Module
    path: str


@dataclass
class Target:
    """A weight, all its names in the module (several if it is tied), and all its places.

    `computed` says how torch computes it, if it is not a parameter; its tensor is then a detached copy. `source`:
    whether other weights are computed from it; it is chosen by its full name only, never by a glob.
    """

    parameter: Tensor
    computed: Computed | None = None
    source: bool = False
    names: list[str] = field(default_factory=list)
    sites: list[Site] = field(default_factory=list)


def targets(module: nn.Module) -> list[Target]:
    """Return all weights of the module, each once: its parameters and what torch computes from others of them.

    The order is that of `named_parameters()`.
    """
    modules = dict(module.named_modules(remove_duplicate=False))
    by_identity: dict[int, Target] = {}
    sources: set[int] = set()
    places = set()
    for prefix, owner in modules.items():
        computed = computed_weights(owner)
        sources.update(id(parameter) for each in computed.values() for parameter in each.sources())
        leaves = [leaf for leaf, parameter in owner._parameters.items() if parameter is not None]
        for leaf in (*leaves, *computed):
            if leaf in computed:
                identity = computed[leaf].identity()
                target = by_identity.get(identity) or Target(computed[leaf].weight(), computed[leaf])
            else:
                identity = id(owner._parameters[leaf])
                target = by_identity.get(identity) or Target(owner._parameters[leaf])
            by_identity[identity] = target
            target.names.append(_join(prefix, leaf))
            if (id(owner), leaf) not in places:
                places.add((id(owner), leaf))
                target.sites.append(_site(modules, prefix, owner, leaf))
    for identity, target in by_identity.items():
        target.source = identity in sources
    return list(by_identity.values())


def maskable(module: nn.Module) -> dict[str, Tensor]:
    """Return everything that can be masked, by full name; a tied parameter is the same tensor under all its names.

    These are the parameters and, in place of the parameters of a parametrization (`torch.nn.utils.parametrizations`),
    the weight that it gives, as a detached copy, under the name of that weight.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    >>> list(maskable(layer))
    ['bias', 'weight']
    """
    return {name: target.parameter for target in targets(module) if not target.source for name in target.names}


def records(module: nn.Module) -> Iterator[tuple[str, nn.Module, Record]]:
    """Yield full parameter name, host and record for every record in the module."""
    for prefix, host in module.named_modules():
        for hook in list(host._forward_pre_hooks.values()):
            if isinstance(hook, Record):
                yield _join(prefix, hook.path), host, hook


def chosen(
    verb: str, module: nn.Module, names: str | Iterable[str], has: Callable[[Record], bool], what: str
) -> list[tuple[str, nn.Module, Record]]:
    """Return name, host and record of all records for which `has` is true and whose parameter `names` selects.

    `names` are full parameter names or globs; a tied parameter is selected by any of its names. Raises MaskError, which
    calls the parameters `what`, for a name that selects nothing, except "*", which may select nothing.
    """
    for _, host, record in records(module):
        try:
            record.rebind(host)
        except MaskError:
            if verb != "release":  # which must also remove a mask that can no longer be enforced
                raise
    candidates = [(name, host, record) for name, host, record in records(module) if has(record)]
    known = {name: record.identity(host) for name, host, record in candidates}
    identities = set(known.values())
    for target in targets(module):
        identity = id(target.parameter) if target.computed is None else target.computed.identity()
        known.update({name: identity for name in target.names if identity in identities})
    selected: set[int] = set()
    for pattern in [names] if isinstance(names, str) else names:
        matched = matching(pattern, known)
        if not matched and pattern != "*":
            raise no_match(verb, pattern, known, what)
        selected.update(known[name] for name in matched)
    return [candidate for candidate in candidates if candidate[2].identity(candidate[1]) in selected]


def stored(verb: str, name: str, record: Record) -> nn.Parameter:
    """Return the parameter of a record; raise MaskError if torch computes the weight from other parameters."""
    if record.parameter is None:
        raise MaskError(f"{verb}: {name!r}: expected a parameter, got a parametrized weight; call it before")
    return record.parameter


def has_mask(record: Record) -> bool:
    """Return whether the record has a mask."""
    return record.mask is not None


def has_signs(record: Record) -> bool:
    """Return whether the record has signs."""
    return record.signs is not None


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """Return the name equal to `pattern`, or else all names that it matches as a glob."""
    names = list(names)
    return [pattern] if pattern in names else [name for name in names if fnmatchcase(name, pattern)]


def no_match(verb: str, pattern: str, names: Iterable[str], what: str) -> MaskError:
    """Return the error for a pattern that matches nothing: close names first, then all."""
    names = list(names)
    close = difflib.get_close_matches(pattern, names, n=3)
    hint = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
    return MaskError(f"{verb}: {pattern!r} matches no {what}; {hint}{what}s: {', '.join(names) or 'none'}")


def _site(modules: dict[str, nn.Module], prefix: str, owner: nn.Module, leaf: str) -> Site:
    """The host is the owner, or the nearest module above it that has a forward (a ParameterList is never called)."""
    above, path = prefix, leaf
    while above and not _has_forward(modules[above]):
        above, _, last = above.rpartition(".")
        path = f"{last}.{path}"
    if not _has_forward(modules[above]):
        return Site(owner, leaf, owner, leaf)
    return Site(owner, leaf, modules[above], path)


def _has_forward(module: nn.Module) -> bool:
    if isinstance(module, NonDynamicallyQuantizableLinear):  # MultiheadAttention reads its out_proj without a call
        return False
    return "forward" in vars(module) or type(module).forward is not nn.Module.forward


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
