"""`--grid path=values`: every combination of the values of some fields, each combination a point of the grid."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import BenchError
from ._override import parse_settings


@dataclass(frozen=True)
class GridPoint:
    """A combination: the value of each path of the grid, in the order in which the paths were given.

    `settings` are those that `override` and `override_table` take. `str(point)` names the point with the last part of
    each path, or with the whole path where two paths end in the same part.
    """

    values: dict[str, Any]

    @property
    def settings(self) -> tuple[str, ...]:
        """One setting `path=value` per path."""
        return tuple(f"{path}={json.dumps(value)}" for path, value in self.values.items())

    def __str__(self) -> str:
        """Return the point as text, such as `hidden=16, learning_rate=0.001`."""
        endings = Counter(_ending(path) for path in self.values)
        named = {path if endings[_ending(path)] > 1 else _ending(path): value for path, value in self.values.items()}
        return ", ".join(
            f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in named.items()
        )


def grid_points(grid: Sequence[str]) -> list[GridPoint]:
    """Return all combinations of the values in texts such as `model.recurrence.hidden=16,32`.

    The first path changes slowest. Values are scalars separated by commas, or a JSON list of values; so the values of a
    field that is a list itself are a list of lists, `stages.0.training.optimizer.betas=[[0.9, 0.99], [0.8, 0.99]]`. A
    value is read as that of `--set`: JSON if it parses as JSON, otherwise the text itself. Without texts there is one
    point without values.

    Raises:
        BenchError: For a text of another form, a value that is given twice, or paths that overlap. Whether an
            experiment has the paths is for `override` to check.

    >>> [str(point) for point in grid_points(["model.recurrence.hidden=16,32", "stages.0.training.epochs=[5]"])]
    ['hidden=16, epochs=5', 'hidden=32, epochs=5']
    >>> grid_points(["model.recurrence.hidden=16,32"])[0].settings
    ('model.recurrence.hidden=16',)
    """
    choices: dict[str, list[Any]] = {}
    for text in grid:
        name, equals, values = text.partition("=")
        path = name.strip()
        if not equals or not path:
            raise BenchError(
                f"grid: expected path=value,value or path=[value, value], such as model.recurrence.hidden=16,32, "
                f"got {text!r}"
            )
        if path in choices:
            raise BenchError(f"grid: expected each path once, got {path!r} twice; write all its values in one list")
        choices[path] = _values(path, values.strip())
    try:
        parse_settings([f"{path}=0" for path in choices])  # refuses paths that overlap
    except BenchError as error:
        raise BenchError(f"grid: {str(error).removeprefix('set: ')}") from None
    return [GridPoint(dict(zip(choices, values, strict=True))) for values in itertools.product(*choices.values())]


def _values(path: str, text: str) -> list[Any]:
    """Return the values of a JSON list, or of a text with commas."""
    whole = _value(text)
    if isinstance(whole, list):
        values = whole
    elif whole != text:  # a text that is not JSON is read as itself
        values = [whole]
    elif text.startswith(("[", "{")):
        raise BenchError(f"grid: {path}: expected scalars separated by commas or a valid JSON list, got {text!r}")
    else:
        parts = [part.strip() for part in text.split(",")]
        if not all(parts):
            raise BenchError(f"grid: {path}: expected a value before and after each comma, got {text!r}")
        values = [_value(part) for part in parts]
    if not values:
        raise BenchError(f"grid: {path}: expected at least one value, got {text!r}")
    written = [json.dumps(value) for value in values]
    for value in written:
        if written.count(value) > 1:
            raise BenchError(f"grid: {path}: expected different values, got {value} more than once")
    return values


def _value(text: str) -> Any:
    """Return what `--set` reads in a text."""
    (value,) = parse_settings([f"value={text}"]).values()
    return value


def _ending(path: str) -> str:
    """Return the last part of a path that is not a number, with the numbers after it."""
    parts = path.split(".")
    start = len(parts) - 1
    while start and parts[start].isdecimal():
        start -= 1
    return ".".join(parts[start:])
