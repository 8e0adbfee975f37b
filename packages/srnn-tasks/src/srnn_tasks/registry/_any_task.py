"""`AnyTask`: the type of a field that holds a task of any installed kind."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SerializeAsAny, ValidationInfo, WithJsonSchema

from ..contract import Task
from ._registry import find, kinds


def resolve(value: object, info: ValidationInfo) -> object:
    """Turn a mapping with a `kind` into the task that it describes; a task, and all else, passes unchanged."""
    if not isinstance(value, Mapping):
        return value
    task: type[Task] = _Head.model_validate(value).kind
    if info.mode == "json":  # a field that is strict takes a list for a tuple in JSON, but not in Python
        return task.model_validate_json(json.dumps(value), context=info.context)
    return task.model_validate(value, context=info.context)


def _class_of(kind: Any) -> type[Task]:
    if kind is None:
        raise ValueError(f"kind: a task needs its kind, one of: {', '.join(kinds())}")
    return find(kind)


class _Head(BaseModel):
    """The `kind` of a task, read by pydantic so that an error is placed at `kind`."""

    kind: Annotated[Any, AfterValidator(_class_of), Field(validate_default=True)] = None


_SCHEMA: dict[str, Any] = {
    "title": "Task",
    "description": "A task of any installed kind; the other fields are those of the kind.",
    "type": "object",
    "properties": {"kind": {"type": "string", "description": "The name of an entry point of the group srnn.tasks."}},
    "required": ["kind"],
    "additionalProperties": True,
}

AnyTask = Annotated[SerializeAsAny[Task], BeforeValidator(resolve), WithJsonSchema(_SCHEMA)]
"""A task of any kind, as a field of a pydantic model. From JSON it is found by its `kind`; plug-ins too."""
