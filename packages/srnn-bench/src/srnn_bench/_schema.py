"""The JSON schemas of all public values: the contract between independent versions of the packages."""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel

from ._environment import PACKAGES


def schemas(package: str) -> dict[str, Any]:
    """Return the version of a package and the JSON schema of each of its public values, by name."""
    if package not in PACKAGES:
        raise ValueError(f"package: expected one of {', '.join(PACKAGES)}, got {package!r}")
    module = importlib.import_module(package.replace("-", "_"))
    public = {name: getattr(module, name) for name in sorted(module.__all__)}
    return {
        "package": package,
        "version": version(package),
        "schemas": {
            name: value.model_json_schema()
            for name, value in public.items()
            if isinstance(value, type) and issubclass(value, BaseModel)
        },
    }
