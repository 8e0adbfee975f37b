"""Pydantic's messages in the wording of this package: `expected …, got …`, with near matches of mistyped names.

Nothing here contains pydantic's own `[type=...]` or links to its web site.
"""

from __future__ import annotations

import difflib
import json
import re
import reprlib
import typing
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

MOST_NAMES = 12  # a message lists all known names up to this number, when none is near

LINK = re.compile(r"\s*For further information visit https://errors\.pydantic\.dev\S*")
TYPE = re.compile(r"\s*\[type=[^\]]*\](?:'[^']*')?(?:, input_type=\w+\])?")
PREFIXES = {
    "Input should be greater ": "expected a number greater ",
    "Input should be less ": "expected a number less ",
    "String should match pattern ": "expected text that matches ",
    "Input should be ": "expected ",
    "Input should have ": "expected ",
    "Input should ": "expected input to ",
    "String should ": "expected text to ",
    "Tuple should have ": "expected ",
    "List should have ": "expected ",
    "Dictionary should have ": "expected ",
    "Value error, ": "",
    "Assertion failed, ": "",
}
PARSING = re.compile(r", unable to parse string as an? \w+| after validation, not \d+|, got a number with .*$")


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return a hint for a name that is not known: `; did you mean 'a' or 'b'?`, all names if they are few, or nothing.

    >>> suggestion("hiden", ["hidden", "bias"]), suggestion("x", ["hidden", "bias"])
    ("; did you mean 'hidden'?", '; known: bias, hidden')
    """
    names = sorted(set(known))
    near = difflib.get_close_matches(name, names)
    if near:
        return f"; did you mean {' or '.join(map(repr, near))}?"
    return f"; known: {', '.join(names)}" if 0 < len(names) <= MOST_NAMES else ""


def plain(message: str) -> str:
    """Return a message in one line, without pydantic's links and types.

    >>> plain("Input should be greater than 0")
    'expected a number greater than 0'
    """
    message = " ".join(TYPE.sub("", LINK.sub("", message)).split())
    for prefix, ours in PREFIXES.items():
        if message.startswith(prefix):
            message = ours + message.removeprefix(prefix)
            break
    return PARSING.sub("", message)


def message_of(error: ErrorDetails, model: type[BaseModel] | None, data: Any = None) -> str:
    """Return what is wrong with a field, without its name.

    model: class of the whole document, for the names of fields. data: the whole document, for the kinds in it.
    """
    given, context = error["input"], error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "expected this field, which is missing"
        case "extra_forbidden":
            hint = suggestion(str(error["loc"][-1]), field_names(model, error["loc"][:-1], data))
            return f"unknown field{hint}" if hint else f"unknown field, got {show(given)}"
        case "union_tag_invalid":
            tags = re.findall(r"'([^']*)'", str(context["expected_tags"]))
            near = difflib.get_close_matches(str(context["tag"]), tags)
            hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
            return f"expected the kind {_either(tags)}, got {str(context['tag'])!r}{hint}"
        case "union_tag_not_found":
            return f"expected an object with a field 'kind', got {show(given)}"
        case "literal_error":
            allowed = re.findall(r"'([^']*)'", str(context["expected"]))
            near = difflib.get_close_matches(str(given), allowed)
            hint = f"; did you mean {' or '.join(map(repr, near))}?" if near and len(allowed) > 3 else ""
            return f"{plain(error['msg'])}, got {show(given)}{hint}"
        case "json_invalid":
            return f"expected valid JSON, got: {context.get('error', error['msg'])}"
        case "value_error" | "assertion_error":
            return plain(error["msg"])
    message = plain(error["msg"]).replace("a valid array", "a list").replace("a valid integer", "an integer")
    return f"{message}, got {show(given)}"


def field_names(model: type[BaseModel] | None, location: tuple[int | str, ...], data: Any = None) -> set[str]:
    """Return the names of the fields of the objects at a location of pydantic in a document of this model.

    A location contains names of fields, numbers of entries of lists, and tags (kinds) of unions. The members of an
    open family, such as tasks, have no tags; theirs is the `kind` in the `data`.
    """
    classes = set() if model is None else {model}
    for part in location:
        if isinstance(part, str) and (tagged := _of_kind(classes, part)):
            classes = tagged
            continue
        if isinstance(part, str):
            fields = [each.model_fields[part] for each in classes if part in each.model_fields]
            classes = {found for field in fields for found in _classes_in(field.annotation)}
        try:
            data = data[part]
        except (LookupError, TypeError):
            data = None
        if isinstance(data, dict):
            classes = _of_kind(classes, data.get("kind")) or classes
    return {name for each in classes for name in each.model_fields}


def show(value: Any) -> str:
    """Return a value of a JSON document as in the document, shortened."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return reprlib.repr(value)


def _of_kind(classes: Iterable[type[BaseModel]], kind: object) -> set[type[BaseModel]]:
    """Return those of the classes, and of their subclasses, that have this kind."""
    fields = {each: each.model_fields.get("kind") for each in _with_subclasses(classes)}
    return {each for each, field in fields.items() if kind is not None and field is not None and field.default == kind}


def _with_subclasses(classes: Iterable[type[BaseModel]]) -> set[type[BaseModel]]:
    """Return the classes and all their subclasses: the members of an open family such as tasks."""
    found: set[type[BaseModel]] = set()
    for each in classes:
        found |= {each} | _with_subclasses(each.__subclasses__())
    return found


def _classes_in(annotation: Any) -> set[type[BaseModel]]:
    """Return the models within an annotation such as `tuple[A | B, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {found for part in typing.get_args(annotation) for found in _classes_in(part)}


def _either(names: list[str]) -> str:
    quoted = [repr(name) for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
