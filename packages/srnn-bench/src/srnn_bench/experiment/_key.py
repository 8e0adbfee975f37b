"""The canonical JSON form of a value, from which run keys are hashed."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel


def canonical(value: Any) -> Any:
    """Return `value` as plain JSON data without the fields at their default, `kind` apart.

    A field that a later version adds, with a default that changes nothing, leaves this as it was.
    """
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return {
            name: canonical(held)
            for name, held in value
            if name == "kind"
            or fields[name].is_required()
            or held != fields[name].get_default(call_default_factory=True)
        }
    if isinstance(value, tuple | list):
        return [canonical(item) for item in value]
    if isinstance(value, dict):
        return {name: canonical(item) for name, item in value.items()}
    return value


def canonical_json(data: Any) -> str:
    """Return plain data as JSON with sorted keys, without spaces."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
