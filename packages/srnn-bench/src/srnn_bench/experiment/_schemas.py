"""The JSON schemas of all public values: the contract between independent versions of the packages."""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel

from ._versions import PACKAGES


def schemas(package: str) -> dict[str, Any]:
    """Return the version of a package and the JSON schema of each of its public values, by name.

    Descriptions are left out: they come from docstrings, and words are no part of the contract.
    """
    if package not in PACKAGES:
        raise ValueError(f"package: expected one of {', '.join(PACKAGES)}, got {package!r}")
    module = importlib.import_module(package.replace("-", "_"))
    public = {name: getattr(module, name) for name in sorted(module.__all__)}
    return {
        "package": package,
        "version": version(package),
        "schemas": {
            name: _without_words(value.model_json_schema())
            for name, value in public.items()
            if isinstance(value, type) and issubclass(value, BaseModel)
        },
    }


def _without_words(schema: Any) -> Any:
    """Return a schema without its descriptions; a property of that name is a mapping and stays."""
    if isinstance(schema, dict):
        return {
            name: _without_words(part)
            for name, part in schema.items()
            if not (name == "description" and isinstance(part, str))
        }
    return [_without_words(part) for part in schema] if isinstance(schema, list) else schema
