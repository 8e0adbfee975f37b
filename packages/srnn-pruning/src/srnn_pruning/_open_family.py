"""Fields that hold a member of an open family: a class of this package, or one of the user named `module:Class`."""

import importlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Union

from pydantic import (
    Field,
    TypeAdapter,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from ._value import Value

_NAME = re.compile(r"[\w.]+:[\w.]+")


_NAMED: dict[str, Any] = {
    "description": "A class of another package; the other fields are those of the class.",
    "type": "object",
    "properties": {"kind": {"type": "string", "pattern": f"^{_NAME.pattern}$"}},
    "required": ["kind"],
    "additionalProperties": True,
}


def open_family(base: type[Value], *members: type[Value]) -> WrapValidator:
    """Return the validator of a field of type `base`, whose `members` of this package are told apart by `kind`.

    The `kind` of any other subclass of `base` is its import path, `module:Class`. It is imported when a value with that
    kind is validated, never before. So the JSON form of a value, and whatever is hashed from it, names the class.
    """
    closed = Annotated[Union[members], Field(discriminator="kind")]  # type: ignore[valid-type]  # noqa: UP007
    adapter: TypeAdapter[Any] = TypeAdapter(closed)
    noun = base.__name__.lower()

    def validate(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        if isinstance(value, base):
            if type(value) not in members:
                _check_instance(value, base, noun)
            return value
        kind = value.get("kind") if isinstance(value, Mapping) else None
        target = adapter
        if isinstance(kind, str) and _NAME.fullmatch(kind):
            target = TypeAdapter(_load(kind, base, noun))
        if isinstance(value, Mapping) and info.mode == "json":  # a list is a tuple in JSON, but not in Python
            return target.validate_json(json.dumps(value))
        return target.validate_python(value)

    return WrapValidator(validate, json_schema_input_type=closed | Annotated[dict[str, Any], WithJsonSchema(_NAMED)])


def _check_instance(value: Any, base: type[Value], noun: str) -> None:
    """Raise ValueError unless the kind of a value is the name by which its class can be imported."""
    cls = type(value)
    expected = f"{cls.__module__}:{cls.__qualname__}"
    if getattr(value, "kind", None) != expected:
        raise ValueError(
            f"{cls.__name__}: expected the field kind: Literal[{expected!r}] = {expected!r}, by which the {noun} is "
            f"found again, got {getattr(value, 'kind', None)!r}"
        )
    if _load(expected, base, noun) is not cls:
        raise ValueError(f"kind {expected!r}: expected the name of the class of {value!r}, got another class there")


def _load(name: str, base: type[Value], noun: str) -> type[Value]:
    """Import the class of that name. Raises ValueError if there is none, or it is no member of the family."""
    module_name, _, attribute = name.partition(":")
    try:
        loaded: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            loaded = getattr(loaded, part)
    except Exception as error:
        raise ValueError(f"kind {name!r}: expected a {noun} that can be imported, got {error}") from error
    if not (isinstance(loaded, type) and issubclass(loaded, base)):
        raise ValueError(f"kind {name!r}: expected a subclass of srnn_pruning.{base.__name__}, got {loaded!r}")
    default = loaded.model_fields["kind"].default if "kind" in loaded.model_fields else None
    if default != name:
        raise ValueError(f"kind {name!r}: expected this name as the default of {loaded.__name__}.kind, got {default!r}")
    return loaded
