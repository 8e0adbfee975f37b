"""The canonical JSON form of a value, from which run keys are hashed."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel


def canonical(value: Any) -> Any:
    """Return `value` as JSON data without the fields that have their default value, except `kind`.

    A field that a later version adds with a default does not change the result.
    """
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return {
            name: canonical(part)
            for name, part in value
            if name == "kind"
            or fields[name].is_required()
            or part != fields[name].get_default(call_default_factory=True)
        }
    if isinstance(value, tuple | list):
        return [canonical(item) for item in value]
    if isinstance(value, dict):
        return {name: canonical(item) for name, item in value.items()}
    return value


def canonical_json(data: Any) -> str:
    """Return JSON data as text with sorted keys and without spaces."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
