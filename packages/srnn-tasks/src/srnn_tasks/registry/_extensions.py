"""Objects that other packages add: entry points of a group, built-in ones, or `module:attribute`."""

import difflib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

T = TypeVar("T")
TARGET = re.compile(r"[\w.]+:[\w.]+")
PYDANTIC = re.compile(r"\s*For further information visit https://errors\.pydantic\.dev\S*|\s*\[type=\w+, [^\n]*\]")


@dataclass(frozen=True, kw_only=True)
class Extension:
    """One declared extension: its name, where it comes from, and why it cannot be used.

    name: name of the entry point. target: `module:attribute`. distribution: name and version of the distribution that
    declares it, or "built-in". error: one line, or None if the extension loads and passes the check.
    """

    name: str
    target: str
    distribution: str
    error: str | None = None


class Extensions(Generic[T]):
    """The extensions of one kind, by name. An extension is imported when it is loaded, never before.

    group: group of the entry points by which other distributions declare extensions.
    noun, field: words for messages, such as "tracker" and "track" in "track: no tracker 'wandb' is installed".
    check: called with the name and the loaded object; returns the object, or raises an exception whose message has the
    expected and the actual value.
    error: class of the errors that `load` raises.
    builtins: extensions of the owner that no entry point declares, as name -> `module:attribute`.

    >>> def check(name: str, loaded: object) -> type[dict]:
    ...     if not (isinstance(loaded, type) and issubclass(loaded, dict)):
    ...         raise TypeError(f"expected a subclass of dict; got {loaded!r}")
    ...     return loaded
    >>> mappings = Extensions(
    ...     "example.mappings",
    ...     noun="mapping",
    ...     field="mapping",
    ...     check=check,
    ...     error=ValueError,
    ...     builtins={"ordered": "collections:OrderedDict", "lost": "collections:NoSuchDict"},
    ... )
    >>> mappings.load("ordered"), mappings.load("collections:Counter")
    (<class 'collections.OrderedDict'>, <class 'collections.Counter'>)
    >>> mappings.load("orderd")
    Traceback (most recent call last):
        ...
    ValueError: mapping: no mapping 'orderd' is installed. Did you mean 'ordered'?
    >>> [(extension.name, extension.error) for extension in mappings.entries()]
    [('lost', "AttributeError: module 'collections' has no attribute 'NoSuchDict'"), ('ordered', None)]
    """

    def __init__(
        self,
        group: str,
        *,
        noun: str,
        field: str,
        check: Callable[[str, object], T],
        error: type[ValueError],
        builtins: Mapping[str, str] | None = None,
    ) -> None:
        self.group, self.noun, self.field = group, noun, field
        self.check, self.error = check, error
        self.builtins = dict(builtins or {})

    def names(self) -> tuple[str, ...]:
        """Return the names of all extensions, sorted. Nothing is imported, so some may turn out to be broken."""
        return tuple(sorted({point.name for point in self._points()}))

    def load(self, name: str) -> T:
        """Import and return the extension of that name, or the object that `module:attribute` names.

        Raises `error` if no extension has the name, if several have it, or if the extension is broken.
        """
        points = [point for point in self._points() if point.name == name]
        if not points and isinstance(name, str) and TARGET.fullmatch(name):
            points = [EntryPoint(name, name, self.group)]
        if not points:
            near = difflib.get_close_matches(str(name), self.names())
            known = f"Known: {', '.join(self.names()) or 'none'}"
            hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else known
            raise self.error(f"{self.field}: no {self.noun} {name!r} is installed. {hint}")
        if len(points) > 1:
            raise self.error(self._duplicates(points))
        try:
            return self._load(points[0])
        except (Exception, SystemExit) as error:
            origin = "" if points[0].value == name else f" of {_origin(points[0])}"
            raise self.error(f"{self._named(name)}{origin} is broken: {_one_line(error)}") from error

    def entries(self) -> tuple[Extension, ...]:
        """Return all extensions, sorted by name. Each is loaded; a broken or duplicate one is listed with its error."""
        points = sorted(self._points(), key=lambda point: (point.name, _distribution(point), point.value))
        by_name: dict[str, list[EntryPoint]] = {}
        for point in points:
            by_name.setdefault(point.name, []).append(point)
        return tuple(
            Extension(
                name=point.name,
                target=point.value,
                distribution=_distribution(point),
                error=self._error(point) if len(by_name[point.name]) == 1 else self._duplicates(by_name[point.name]),
            )
            for point in points
        )

    def _named(self, name: str) -> str:
        """Return the beginning of a message about an extension, with the noun once."""
        return f"{self.field}: {'' if self.noun == self.field else f'{self.noun} '}{name!r}"

    def _points(self) -> list[EntryPoint]:
        """Return the built-in and the declared extensions."""
        own = [EntryPoint(name, target, self.group) for name, target in self.builtins.items()]
        return [*own, *_declared(self.group, tuple(sys.path))]

    def _load(self, point: EntryPoint) -> T:
        return self.check(point.name, point.load())

    def _error(self, point: EntryPoint) -> str | None:
        try:
            self._load(point)
        except (Exception, SystemExit) as error:
            return _one_line(error)
        return None

    def _duplicates(self, points: Sequence[EntryPoint]) -> str:
        origins = " and ".join(sorted(map(_origin, points)))
        count = len(points)
        return f"{self._named(points[0].name)} is declared {count} times, by {origins}; remove all but one"


@lru_cache(maxsize=8)
def _declared(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group; the same line of the same distribution counts once.

    This reads the metadata of every distribution (about 20 ms), so the result is cached per `sys.path`.
    """
    points = entry_points(group=group)
    return tuple({(point.name, _distribution(point), point.value): point for point in points}.values())


def _origin(point: EntryPoint) -> str:
    return f"{_distribution(point)} ({point.value})"


def _distribution(point: EntryPoint) -> str:
    return "built-in" if point.dist is None else f"{point.dist.name} {point.dist.version}"


def _one_line(error: BaseException) -> str:
    """Return the class and text of an error in one line, with near matches of an attribute that does not exist.

    Pydantic's types and links are left out.
    """
    text = " ".join(PYDANTIC.sub("", f"{type(error).__name__}: {error}").split())
    if isinstance(error, AttributeError) and error.name is not None:
        near = difflib.get_close_matches(error.name, dir(error.obj), n=1)
        text += f". Did you mean {near[0]!r}?" if near else ""
    return text
