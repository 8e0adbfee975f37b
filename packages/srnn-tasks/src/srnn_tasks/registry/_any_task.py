"""`AnyTask`: the type of a pydantic field that holds a task of any installed kind."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SerializeAsAny, ValidationInfo, WithJsonSchema

from ..contract import Task
from ._registry import find, kinds


def _resolve(value: object, info: ValidationInfo) -> object:
    """Validate a mapping with a `kind` as the task of that kind; return any other value unchanged."""
    if not isinstance(value, Mapping):
        return value
    task: type[Task] = _Head.model_validate(value).kind
    if info.mode == "json":  # a strict field accepts a list for a tuple in JSON, but not in Python
        return task.model_validate_json(json.dumps(value), context=info.context)
    return task.model_validate(value, context=info.context)


def _class_of(kind: Any) -> type[Task]:
    if kind is None:
        raise ValueError(f"kind: expected the kind of a task, one of: {', '.join(kinds())}; got none")
    return find(kind)


class _Head(BaseModel):
    """The `kind` of a task. Pydantic validates it, so that an error has the location `kind`."""

    kind: Annotated[Any, AfterValidator(_class_of), Field(validate_default=True)] = None


_SCHEMA: dict[str, Any] = {
    "title": "Task",
    "description": "A task of any installed kind; the other fields are those of the kind.",
    "type": "object",
    "properties": {"kind": {"type": "string", "description": "The name of an entry point of the group srnn.tasks."}},
    "required": ["kind"],
    "additionalProperties": True,
}

AnyTask = Annotated[SerializeAsAny[Task], BeforeValidator(_resolve), WithJsonSchema(_SCHEMA)]
"""A task of any kind, plug-ins included, as a field of a pydantic model. In JSON, `kind` selects the class."""
