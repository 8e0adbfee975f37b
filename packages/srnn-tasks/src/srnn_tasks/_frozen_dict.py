"""A hashable dict of JSON values, for fields of frozen pydantic values."""

from __future__ import annotations

from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, BeforeValidator, JsonValue, PlainSerializer


class FrozenDict(dict[str, Any]):
    """An immutable, hashable dict. Nested lists become tuples, and nested dicts become frozen dicts.

    >>> arguments = FrozenDict(timing={"delay": 500}, cohs=[25.6, 51.2])
    >>> arguments
    {'timing': {'delay': 500}, 'cohs': (25.6, 51.2)}
    >>> hash(arguments) == hash(FrozenDict(cohs=(25.6, 51.2), timing={"delay": 500}))
    True
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__({name: _frozen(value) for name, value in dict(*args, **kwargs).items()})

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("arguments: this dict is part of a frozen value and cannot be changed")

    __setitem__ = __delitem__ = __ior__ = update = setdefault = pop = popitem = clear = _refuse


def to_plain(value: Any) -> Any:
    """Return a copy of a nested value in plain dicts and lists, as JSON has them."""
    if isinstance(value, dict):
        return {name: to_plain(each) for name, each in value.items()}
    return [to_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return FrozenDict(value)
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


FrozenJson = Annotated[
    dict[str, JsonValue],
    BeforeValidator(to_plain),
    AfterValidator(_frozen),
    PlainSerializer(to_plain, dict[str, JsonValue]),
]
"""The type of a field that holds a JSON object, validated to a `FrozenDict`."""
