"""A value taken apart, so that some of its parts can be set before it is put together and validated anew."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from srnn_tasks import Task, find

Path = tuple[str, ...]

Values = tuple[type[BaseModel], ...]


@dataclass
class Draft:
    """A value's class, the classes that its field takes, and its parts: drafts, lists of drafts, or JSON data."""

    cls: type[BaseModel]
    family: Values
    parts: dict[str, Any]

    def takes(self, name: str) -> bool:
        """Whether there is such a field; one that is required may have no value yet."""
        return name in self.parts or name in self.cls.model_fields


@dataclass(eq=False)
class Absent(Exception):
    """A path ends at its part number `depth`, for the reason `why`, or because no such field is known (None)."""

    path: Path
    depth: int
    why: str | None

    def error(self, known: Iterable[str]) -> ValueError:
        """Return what to tell the user, with the nearest of the known paths."""
        path = ".".join(self.path)
        if self.why is not None:
            return ValueError(f"set: {path!r}: {self.why}")
        near = _nearest(path, list(dict.fromkeys(known)))
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
        return ValueError(f"set: unknown path {path!r}{hint}")


def take_apart(value: Any, data: Any, family: Values = ()) -> Any:
    """Return the draft of a value; `data` is its JSON."""
    if isinstance(value, BaseModel) and isinstance(data, dict):
        fields = type(value).model_fields
        parts = {
            name: take_apart(getattr(value, name, None), part, _values(fields.get(name))) for name, part in data.items()
        }
        return Draft(type(value), family, parts)
    if isinstance(value, tuple | list) and isinstance(data, list) and len(value) == len(data):
        return [take_apart(item, part, family) for item, part in zip(value, data, strict=True)]
    return data


def put_together(draft: Any) -> Any:
    """Return a draft as JSON data."""
    if isinstance(draft, Draft):
        return {name: put_together(part) for name, part in draft.parts.items()}
    return [put_together(part) for part in draft] if isinstance(draft, list) else draft


def put(draft: Draft, path: Path, value: Any) -> None:
    """Set JSON data at a path; raise Absent where the path leads nowhere.

    Setting the `kind` of a draft makes another member of its family of it: fields at their default take the new
    kind's, and one that the new kind lacks is a ValueError.
    """
    owner: Any = draft
    for depth in range(len(path) - 1):
        holder, place = _place(owner, path, depth, value)
        if place not in holder and not isinstance(holder, list):
            raise Absent(path, depth + 1, f"{'.'.join(path[: depth + 1])!r} has no value yet; set the whole of it")
        owner = holder[place]
    holder, place = _place(owner, path, len(path) - 1, value)
    if isinstance(owner, Draft) and place == "kind":
        _turn(owner, path, value)
    else:
        holder[place] = value


def paths(draft: Any, before: str = "") -> Iterator[str]:
    """Give every path of a draft."""
    items: dict[str, Any] = {}
    if isinstance(draft, Draft):
        items = dict.fromkeys(draft.cls.model_fields) | draft.parts
    elif isinstance(draft, list):
        items = {str(number): part for number, part in enumerate(draft)}
    for name, part in items.items():
        yield before + name
        yield from paths(part, f"{before}{name}.")


def _place(owner: Any, path: Path, depth: int, value: Any) -> tuple[Any, Any]:
    """Return the mapping or list in which a part of the path lies, and its place there."""
    part = path[depth]
    if isinstance(owner, Draft) and owner.takes(part):
        return owner.parts, part
    if isinstance(owner, dict) and (part in owner or depth == len(path) - 1):
        return owner, part  # a field that is a mapping may take any key
    if isinstance(owner, list) and part in map(str, range(len(owner))):
        return owner, int(part)
    raise Absent(path, depth, _why(owner, path, depth, value))


def _why(owner: Any, path: Path, depth: int, value: Any) -> str | None:
    """Say why a path cannot go on below `owner`, or None where its next part is just not known."""
    here = ".".join(path[:depth])
    if owner is None:
        for part in reversed(path[depth:]):
            value = {part: value}
        return f"{here!r} is null; set the whole of it, such as {here}={json.dumps(value)}"
    if not isinstance(owner, list):
        return None
    if not owner:
        return f"{here!r} is an empty list; set the whole of it, {here}=[...]"
    numbers = "0" if len(owner) == 1 else f"a number from 0 to {len(owner) - 1}"
    return f"{here!r} is a list of {len(owner)}; expected {numbers}, got {path[depth]!r}"


def _turn(draft: Draft, path: Path, kind: Any) -> None:
    """Make another kind of a draft."""
    old = draft.parts.get("kind")
    if kind == old:
        return
    new = _member(draft.family, path, kind)
    parts = {
        name: take_apart(field.get_default(call_default_factory=True), _default(field), _values(field))
        for name, field in new.model_fields.items()
        if not field.is_required()
    }
    lost = []
    for name, part in draft.parts.items():
        field = draft.cls.model_fields.get(name)
        if name == "kind" or (field and not field.is_required() and put_together(part) == _default(field)):
            continue
        if name in new.model_fields:
            parts[name] = part
        else:
            lost.append(f"{name}={json.dumps(put_together(part))}")
    if lost:
        whole = f"{'.'.join(path[:-1])}={json.dumps({'kind': kind})}"
        raise ValueError(
            f"set: {'.'.join(path)}: {kind!r} has no place for {', '.join(lost)} of {old!r}; "
            f"set the whole, such as {whole}"
        )
    draft.cls, draft.parts = new, parts


def _member(family: Values, path: Path, kind: Any) -> type[BaseModel]:
    """Return the class of that kind: one of a closed family, or a task that is installed."""
    kinds = {member.model_fields["kind"].default: member for member in family if "kind" in member.model_fields}
    if isinstance(kind, str) and kind in kinds:
        return kinds[kind]
    if isinstance(kind, str) and Task in family:
        try:
            return find(kind)
        except ValueError as error:
            raise ValueError(f"set: {'.'.join(path)}: {str(error).removeprefix('kind: ')}") from error
    known = "the kind of a task" if Task in family else f"one of {', '.join(map(str, kinds))}"
    raise ValueError(f"set: {'.'.join(path)}: expected {known}, got {kind!r}")


def _default(field: FieldInfo) -> Any:
    """Return the default of a field as JSON data."""
    return to_jsonable_python(field.get_default(call_default_factory=True))


def _values(field: FieldInfo | None) -> Values:
    """Return the classes of values that a field may hold: all members of a family, those of a tuple's entries."""

    def named(annotation: Any) -> Values:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return (annotation,)
        return tuple(member for part in get_args(annotation) for member in named(part))

    return () if field is None else named(field.annotation)


def _nearest(path: str, known: list[str]) -> list[str]:
    """Return up to three known paths: those with the same last part, the most alike first, or else others alike."""
    last = path.rpartition(".")[2]
    same = [other for other in known if other.rpartition(".")[2] == last]
    same.sort(key=lambda other: -SequenceMatcher(None, path, other).ratio())
    return same[:3] or get_close_matches(path, known)
