"""Find the parameters of a module, the records on them, and what a name or glob selects."""

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from torch import nn

from .._errors import MaskError
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
    """A parameter, all its names in the module (several if it is tied), and all its places."""

    parameter: nn.Parameter
    names: list[str] = field(default_factory=list)
    sites: list[Site] = field(default_factory=list)


def targets(module: nn.Module) -> list[Target]:
    """Return all parameters of the module, each once, in the order of `named_parameters()`."""
    modules = dict(module.named_modules(remove_duplicate=False))
    by_identity: dict[int, Target] = {}
    places = set()
    for prefix, owner in modules.items():
        for leaf, parameter in owner._parameters.items():
            if parameter is None:
                continue
            target = by_identity.setdefault(id(parameter), Target(parameter))
            target.names.append(_join(prefix, leaf))
            if (id(owner), leaf) not in places:
                places.add((id(owner), leaf))
                target.sites.append(_site(modules, prefix, owner, leaf))
    return list(by_identity.values())


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
        record.rebind(host)
    candidates = [(name, host, record) for name, host, record in records(module) if has(record)]
    identities = {id(record.parameter) for _, _, record in candidates}
    known = {name: id(target.parameter) for target in targets(module) for name in target.names}
    known = {name: identity for name, identity in known.items() if identity in identities}
    selected: set[int] = set()
    for pattern in [names] if isinstance(names, str) else names:
        matched = matching(pattern, known)
        if not matched and pattern != "*":
            raise no_match(verb, pattern, known, what)
        selected.update(known[name] for name in matched)
    return [candidate for candidate in candidates if id(candidate[2].parameter) in selected]


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
    return "forward" in vars(module) or type(module).forward is not nn.Module.forward


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
