"""Objects that extensions construct: trackers and executors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._errors import BenchError

Factory = Callable[..., object]


def factory_of(product: str) -> Callable[[str, object], Factory]:
    """Return the check of an extension that is to be called, e.g. of a class, to make `product` ("a watcher")."""

    def check(name: str, loaded: object) -> Factory:
        if not callable(loaded):
            raise TypeError(f"expected a class or a function that returns {product}, got {loaded!r}")
        return loaded

    return check


def construct(call: str, factory: Factory, *arguments: Any) -> object:
    """Return what a factory makes of the arguments. Raises BenchError, which names the `call`, if it fails."""
    try:
        return factory(*arguments)
    except BenchError:
        raise
    except Exception as error:  # code of a user may raise anything
        raise BenchError(f"{call} failed: {type(error).__name__}: {error}") from error


def missing_methods(built: object, interface: type) -> list[str]:
    """Return the names of the public methods of a class that an object does not have."""
    methods = [name for name in vars(interface) if not name.startswith("_")]
    return [name for name in methods if not callable(getattr(built, name, None))]
