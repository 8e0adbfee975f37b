"""Check that an object of a user has the methods of an interface."""

from __future__ import annotations


def missing_methods(built: object, interface: type) -> list[str]:
    """Return the names of the public methods of a class that an object does not have."""
    methods = [name for name in vars(interface) if not name.startswith("_")]
    return [name for name in methods if not callable(getattr(built, name, None))]
