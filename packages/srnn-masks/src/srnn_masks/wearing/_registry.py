"""A registry of objects by parameter, with weak references."""

import weakref
from typing import Generic, TypeVar

from torch import Tensor

T = TypeVar("T")


class Registry(Generic[T]):
    """Weak references to objects, by the identity of a parameter. Each object must keep its parameter alive."""

    def __init__(self) -> None:
        self._items: dict[int, weakref.WeakSet[T]] = {}  # by id(parameter)

    def add(self, parameter: Tensor, item: T) -> None:
        """Register an object, and drop entries whose objects are gone."""
        for identity in [identity for identity, items in self._items.items() if not items]:
            del self._items[identity]
        self._items.setdefault(id(parameter), weakref.WeakSet()).add(item)

    def discard(self, parameter: Tensor, item: T) -> None:
        """Remove an object if it is registered."""
        self._items.get(id(parameter), weakref.WeakSet()).discard(item)

    def of(self, parameter: Tensor) -> list[T]:
        """Return the living objects of a parameter."""
        return list(self._items.get(id(parameter), ()))
