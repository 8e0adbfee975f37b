"""JSON schemas of all public values: the contract between independent versions of the packages."""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel

from .._errors import BenchError
from ._versions import PACKAGES


def schemas(package: str) -> dict[str, Any]:
    """Return the version of a package and the JSON schemas of its public values by name.

    Descriptions are left out: they come from docstrings, which are not part of the contract.

    Raises:
        BenchError: If `package` is not one of the six packages (`PACKAGES`).
    """
    if package not in PACKAGES:
        raise BenchError(f"package: expected one of {', '.join(PACKAGES)}, got {package!r}")
    module = importlib.import_module(package.replace("-", "_"))
    public = {name: getattr(module, name) for name in sorted(module.__all__)}
    return {
        "package": package,
        "version": version(package),
        "schemas": {
            name: _without_descriptions(value.model_json_schema())
            for name, value in public.items()
            if isinstance(value, type) and issubclass(value, BaseModel)
        },
    }


def _without_descriptions(schema: Any) -> Any:
    """Return a schema without its descriptions. A property named `description` is a mapping and is kept."""
    if isinstance(schema, dict):
        return {
            name: _without_descriptions(part)
            for name, part in schema.items()
            if not (name == "description" and isinstance(part, str))
        }
    return [_without_descriptions(part) for part in schema] if isinstance(schema, list) else schema
