"""Notes on an experiment file: every field of every part of it, its value, and what else it may be.

JSON has no comments, so they stand in a file beside it. They are generated from the values of the packages, their
docstrings and their schemas.
"""

from __future__ import annotations

import inspect
import json
import re
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from srnn_tasks import Task, entries, find

from ..experiment import Experiment


def notes(experiment: Experiment, document: dict[str, Any], file: Path) -> str:
    """Return the Markdown text that explains the document, from which the experiment was read."""
    lines = [
        f"# Notes on {file.name}",
        "",
        "These notes explain the fields of the experiment beside them; the program does not read them.",
        "",
        "```console",
        f"srnn run {file.name} --seeds 0-2",
        f"srnn run {file.name} --set stages.0.training.learning_rate=1e-3",
        "srnn report",
        "```",
        "",
        "A field that is left out has its default. A mistyped one is refused, with the nearest names. The names of "
        "parameters (`parameter`) are globs: `*weight_hh*` matches the recurrent matrix of every layer.",
        "",
    ]
    for part in _parts(experiment):
        lines += _section(part, _at(document, part.path))
    return "\n".join(lines).rstrip()


@dataclass(frozen=True)
class _Part:
    """A part of an experiment: its path, its class, and the classes that may stand in its place.

    absent: whether the experiment has no such part, although it could.
    """

    path: str
    cls: type[BaseModel]
    family: tuple[type[BaseModel], ...] = ()
    absent: bool = False


def _parts(value: BaseModel, path: str = "") -> Iterator[_Part]:
    """Yield every part of a value, itself first, then those of its fields in order."""
    if not path:
        yield _Part("", type(value))
    for name, field in type(value).model_fields.items():
        inner, place = getattr(value, name), f"{path}.{name}".lstrip(".")
        family = tuple(_classes_in(field.annotation))
        several = isinstance(inner, tuple)
        for number, each in enumerate(inner if several else (inner,)):
            if isinstance(each, BaseModel):
                at = f"{place}.{number}" if several else place
                yield _Part(at, type(each), family)
                yield from _parts(each, at)
        if len(family) == 1 and family != (Task,) and (inner is None or inner == ()):
            yield _Part(place, family[0], absent=True)


def _section(part: _Part, given: Any) -> list[str]:
    """Return the section of one part: its documentation, a table of its fields, and its alternatives."""
    cls = part.cls
    place = f"`{part.path}`" if part.path else "The experiment"
    lines = [f"## {place}: {cls.__name__}{', absent here' if part.absent else ''}", "", _documentation(cls), ""]
    schema = cls.model_json_schema()
    rows = []
    for name, field in cls.model_fields.items():
        if name == "kind":
            continue
        here = json.dumps(given[name]) if isinstance(given, dict) and name in given else "default"
        here = "" if part.absent else "see below" if len(here) > 40 else here
        default = "required" if field.is_required() else _default(cls, name)
        allowed = _allowed(schema["properties"][name], schema.get("$defs", {}))
        rows.append(f"| `{name}` | {_cell(here)} | {_cell(allowed)} | {_cell(default)} |")
    if rows:
        lines += ["| field | here | may be | default |", "|---|---|---|---|", *rows, ""]
    return [*lines, *_alternatives(cls, part.family)]


def _alternatives(cls: type[BaseModel], family: Sequence[type[BaseModel]]) -> list[str]:
    """Return what else may stand in the place of a value, by its kind."""
    if Task in family:
        family = [find(entry.kind) for entry in entries() if entry.error is None]
    others = [each for each in family if each is not cls and "kind" in each.model_fields]
    if not others:
        return []
    listed = [f"- `{each.model_fields['kind'].default}`: {_summary(each)}" for each in others]
    return ["Other kinds:", "", *listed, ""]


def _documentation(cls: type[BaseModel]) -> str:
    """Return the docstring of a class without its examples."""
    text = inspect.cleandoc(cls.__doc__ or "")
    return text.partition("\n>>> ")[0].strip()


def _summary(cls: type[BaseModel]) -> str:
    return " ".join(_documentation(cls).partition("\n\n")[0].split())


def _default(cls: type[BaseModel], name: str) -> str:
    default = cls.model_fields[name].get_default(call_default_factory=True)
    return json.dumps(default.model_dump(mode="json") if isinstance(default, BaseModel) else default)


def _allowed(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Return what a JSON schema allows, in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        referred = definitions[name]
        return name if "properties" in referred else _allowed(referred, definitions)
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return ", ".join(json.dumps(each) for each in schema["enum"])
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " or ".join(dict.fromkeys(_allowed(each, definitions) for each in schema[union]))
    if schema.get("type") == "array":
        if "prefixItems" in schema:
            return f"[{', '.join(_allowed(each, definitions) for each in schema['prefixItems'])}]"
        return f"a list of {_allowed(schema.get('items', {}), definitions)}"
    words = [str(schema.get("title" if schema.get("type") == "object" else "type", "any value"))]
    signs = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}
    words += [f"{sign} {schema[bound]}" for bound, sign in signs.items() if bound in schema]
    if "pattern" in schema:
        words.append(f"that matches {schema['pattern']}")
    return " ".join(words)


def _classes_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the values within an annotation such as `tuple[A | B, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in typing.get_args(annotation) for found in _classes_in(part)]


def _at(document: Any, path: str) -> Any:
    for part in path.split(".") if path else ():
        document = document[int(part)] if isinstance(document, list) else (document or {}).get(part)
    return document


def _cell(text: str) -> str:
    """Return text for a cell of a Markdown table."""
    return re.sub(r"\s+", " ", text.replace("|", "\\|"))
