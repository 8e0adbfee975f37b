"""Where the parameters of a module live, which of them wear masks, and which of them a glob names."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from torch import nn

from ._record import Record


@dataclass
class Site:
    """One place that holds a parameter: `owner.<leaf>`, reached from the module `host`, which is called, by `path`."""

    owner: nn.Module
    leaf: str
    host: nn.Module
    path: str


@dataclass
class Target:
    """A parameter, all its names in the module (several if it is tied), and all places that hold it."""

    parameter: nn.Parameter
    names: list[str] = field(default_factory=list)
    sites: list[Site] = field(default_factory=list)


def targets(module: nn.Module) -> list[Target]:
    """All parameters of the module, each once, in the order of `named_parameters()`."""
    modules = dict(module.named_modules(remove_duplicate=False))
    found: dict[int, Target] = {}
    places = set()
    for prefix, owner in modules.items():
        for leaf, parameter in owner._parameters.items():
            if parameter is None:
                continue
            target = found.setdefault(id(parameter), Target(parameter))
            target.names.append(_join(prefix, leaf))
            if (id(owner), leaf) not in places:
                places.add((id(owner), leaf))
                target.sites.append(_site(modules, prefix, owner, leaf))
    return list(found.values())


def records(module: nn.Module) -> Iterator[tuple[str, nn.Module, Record]]:
    """Full parameter name, host and record of every mask worn in the module."""
    for prefix, host in module.named_modules():
        for hook in list(host._forward_pre_hooks.values()):
            if isinstance(hook, Record):
                yield _join(prefix, hook.path), host, hook


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """The names that a pattern means: the one equal to it, or else those that it matches as a glob."""
    names = list(names)
    return [pattern] if pattern in names else [name for name in names if fnmatchcase(name, pattern)]


def no_match(verb: str, pattern: str, names: Iterable[str], what: str) -> ValueError:
    """The error for a pattern that means nothing: near names first, then all."""
    names = list(names)
    near = difflib.get_close_matches(pattern, names, n=3)
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    return ValueError(f"{verb}: {pattern!r} matches no {what}; {hint}{what}s: {', '.join(names) or 'none'}")


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
