"""Tasks by their kind: entry points of the group `srnn.tasks`, loaded one at a time, when asked for."""

import difflib
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from ._task import Task

GROUP = "srnn.tasks"


@dataclass(frozen=True, kw_only=True)
class TaskEntry:
    """One entry point: its kind, where it comes from, and why it cannot be used (None if it can).

    kind: the name of the entry point. distribution: name and version of the package that declares it.
    target: `module:Class`. error: one line, or None.
    """

    kind: str
    distribution: str
    target: str
    error: str | None = None


def kinds() -> tuple[str, ...]:
    """Return the kinds of all installed tasks, sorted. Nothing is loaded, so some may turn out to be broken.

    >>> "adding" in kinds()
    True
    """
    return tuple(sorted({point.name for point in _points()}))


def find(kind: str) -> type[Task]:
    """Return the task class of a kind; a ValueError says what is wrong if there is none, or two, or a broken one.

    >>> find("adding").__name__
    'Adding'
    >>> find("ading")
    Traceback (most recent call last):
        ...
    ValueError: kind: no task 'ading' is installed. Did you mean 'adding'? Known: ...
    """
    points = [point for point in _points() if point.name == kind]
    if not points:
        known = kinds()
        near = difflib.get_close_matches(str(kind), known)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ValueError(f"kind: no task {kind!r} is installed.{hint} Known: {', '.join(known) or 'none'}")
    if len(points) > 1:
        raise ValueError(_duplicates(points))
    try:
        return _load(points[0])
    except (Exception, SystemExit) as error:
        raise ValueError(f"kind: task {kind!r} of {_origin(points[0])} is broken: {_one_line(error)}") from error


def entries() -> tuple[TaskEntry, ...]:
    """Return all entry points, sorted by kind. Each is loaded, and one that is broken is listed with its error."""
    points = sorted(_points(), key=lambda point: (point.name, _distribution(point), point.value))
    found = []
    for point in points:
        same = [other for other in points if other.name == point.name]
        error = _duplicates(same) if len(same) > 1 else _error(point)
        entry = TaskEntry(kind=point.name, distribution=_distribution(point), target=point.value, error=error)
        found.append(entry)
    return tuple(found)


def _points() -> list[EntryPoint]:
    """Return the entry points of the group; the same line of the same distribution counts once."""
    unique = {(point.name, _distribution(point), point.value): point for point in entry_points(group=GROUP)}
    return list(unique.values())


def _load(point: EntryPoint) -> type[Task]:
    found = point.load()
    if not (isinstance(found, type) and issubclass(found, Task)):
        raise TypeError(f"{point.value} is not a subclass of srnn_tasks.Task but {found!r}")
    if inspect.isabstract(found):
        raise TypeError(f"{point.value} does not define {', '.join(sorted(found.__abstractmethods__))}")
    default = found.model_fields["kind"].default
    if default != point.name:
        raise TypeError(f"{point.value}.kind has the default {default!r}, but its entry point is named {point.name!r}")
    return found


def _error(point: EntryPoint) -> str | None:
    try:
        _load(point)
    except (Exception, SystemExit) as error:
        return _one_line(error)
    return None


def _duplicates(points: Sequence[EntryPoint]) -> str:
    origins = " and ".join(sorted(_origin(point) for point in points))
    return f"kind: task {points[0].name!r} is declared {len(points)} times, by {origins}; uninstall all but one"


def _origin(point: EntryPoint) -> str:
    return f"{_distribution(point)} ({point.value})"


def _distribution(point: EntryPoint) -> str:
    return "an unknown distribution" if point.dist is None else f"{point.dist.name} {point.dist.version}"


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".replace("\n", " ")
