"""`--set path=value`: an experiment with some fields changed.

A path is dotted, with entries of a list by number: `stages.0.training.learning_rate=3e-4`. A value is JSON if it parses
as JSON, otherwise the text itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from .._errors import BenchError, validation_message
from ._experiment import Experiment

Path = tuple[str, ...]


def override(experiment: Experiment, settings: Sequence[str]) -> Experiment:
    """Return the experiment with the fields changed that the settings (`path=value`) name, and no others.

    The result is validated once, after all settings. No value is converted to another type: `true` is not 1 and `"5"`
    is not 5. A value of another `kind` is set as a whole:
    `stages.0.training.optimizer={"kind": "sgd", "momentum": 0.9}`.

    Raises:
        BenchError: For a path that the experiment does not have, settings that overlap, or an invalid value. The
            message begins with `set: `.

    >>> from srnn_bench import Stage, Training
    >>> from srnn_models import ElmanRNN, SequenceModel
    >>> from srnn_tasks import Adding
    >>> training = Training(epochs=3, batches=2, batch_size=8, learning_rate=1e-2)
    >>> model = SequenceModel(recurrence=ElmanRNN(hidden=6))
    >>> experiment = Experiment(task=Adding(steps=5), model=model, stages=(Stage(name="dense", training=training),))
    >>> override(experiment, ["model.recurrence.hidden=1024"]).model.recurrence.hidden
    1024
    """
    if not settings:
        return experiment
    values = parse_settings(settings)
    for path in values:
        if not has_path(experiment, path):
            raise unknown_path(path, [experiment])
    return with_values(experiment, values)


def parse_settings(settings: Sequence[str]) -> dict[Path, Any]:
    """Return the value of each path. Raises BenchError if two settings overlap."""
    values: dict[Path, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        path = tuple(name.strip().split("."))
        if not equals or path == ("",):
            raise BenchError(f"set: expected path=value, such as stages.0.training.epochs=5, got {setting!r}")
        if path in values:
            raise BenchError(f"set: {'.'.join(path)!r} is set twice; set it once")
        for other in values:
            if path[: len(other)] == other or other[: len(path)] == path:
                raise BenchError(f"set: {'.'.join(other)!r} and {'.'.join(path)!r} overlap; set both in one value")
        try:
            values[path] = json.loads(text, parse_constant=str)
        except (ValueError, RecursionError):
            values[path] = text.strip()
    return values


def has_path(experiment: Experiment, path: Path) -> bool:
    """Return whether the experiment has a field or an entry of a list at this path."""
    return _follow(experiment.model_dump(mode="json"), path)[0] == len(path)


def with_values(experiment: Experiment, values: Mapping[Path, Any]) -> Experiment:
    """Return the validated experiment with the values set; it must have all their paths."""
    data = experiment.model_dump(mode="json")
    for path, value in values.items():
        owner, last = _follow(data, path[:-1])[1], path[-1]
        if last == "kind" and value != owner[last]:
            whole = f"{'.'.join(path[:-1])}={json.dumps({'kind': value})}"
            raise BenchError(f"set: {'.'.join(path)}: to change the kind, set the whole value, such as {whole}")
        owner[int(last) if isinstance(owner, list) else last] = value
    try:
        changed = Experiment.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise BenchError(f"set: {validation_message(error, data, Experiment)}") from error
    return changed


def unknown_path(path: Path, experiments: Iterable[Experiment]) -> BenchError:
    """Return the error for a path that none of the experiments has, with the most similar paths that exist."""
    documents = [experiment.model_dump(mode="json") for experiment in experiments]
    depth, owner = max((_follow(data, path) for data in documents), key=lambda followed: followed[0])
    name, whole = ".".join(path), ".".join(path[:depth])
    if owner is None:
        return BenchError(f"set: {name!r}: {whole!r} is null; set the whole value as JSON")
    if isinstance(owner, list):
        expected = f"a number from 0 to {len(owner) - 1}, got {path[depth]!r}" if owner else "the whole value as JSON"
        return BenchError(f"set: {name!r}: {whole!r} is a list of {len(owner)}; expected {expected}")
    near = _nearest(name, list(dict.fromkeys(known for data in documents for known in _paths(data))))
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    return BenchError(f"set: unknown path {name!r}{hint}")


def _items(data: Any) -> dict[str, Any]:
    """Return the parts of an object or a list of JSON data by name; other values have none."""
    if isinstance(data, list):
        return {str(number): part for number, part in enumerate(data)}
    return data if isinstance(data, dict) else {}


def _follow(data: Any, path: Path) -> tuple[int, Any]:
    """Return how many leading parts of the path exist in JSON data, and the value at the last of them."""
    for depth, part in enumerate(path):
        items = _items(data)
        if part not in items:
            return depth, data
        data = items[part]
    return len(path), data


def _paths(data: Any, prefix: str = "") -> list[str]:
    return [path for name, part in _items(data).items() for path in (prefix + name, *_paths(part, f"{prefix}{name}."))]


def _nearest(path: str, known: list[str]) -> list[str]:
    """Return up to three known paths: the most similar with the same last part, or else the most similar of all."""
    last = path.rpartition(".")[2]
    same = [other for other in known if other.rpartition(".")[2] == last]
    return get_close_matches(path, same, cutoff=0.0) or get_close_matches(path, known)
