"""`--set path=value`: an experiment, or all experiments of a table, with some fields changed.

A path is written with dots, entries of a list by number: `stages.0.training.learning_rate=3e-4`. A value is JSON where
it parses as JSON (also True, False, None, .5 and 5., as Python writes them), else the bare text.
"""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ._draft import Absent, Draft, Path, paths, put, put_together, take_apart
from ._experiment import Experiment

WORDS = {"True": True, "False": False, "None": None}

NUMBER = re.compile(r"[+-]?(\d+\.|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def override(experiment: Experiment, settings: Sequence[str]) -> Experiment:
    """Return the experiment with the fields that the settings (`path=value`) name changed, and no others.

    The result is validated once, after all settings. A setting of `kind` turns a member of a family into another
    (`stages.0.training.optimizer.kind=sgd`): fields at their default take the new kind's default, others stay, and
    one that the new kind lacks is an error. Every mistake is a ValueError that begins with `set: `.

    >>> from srnn_bench import Stage, Training
    >>> from srnn_models import ElmanRNN, SequenceModel
    >>> from srnn_tasks import Adding
    >>> training = Training(epochs=3, batches=2, batch_size=8, learning_rate=1e-2)
    >>> model = SequenceModel(recurrence=ElmanRNN(hidden=6))
    >>> experiment = Experiment(task=Adding(steps=5), model=model, stages=(Stage(name="dense", training=training),))
    >>> override(experiment, ["model.recurrence.hidden=1024"]).model.recurrence.hidden
    1024
    >>> override(experiment, ["model.hidden=1024"])
    Traceback (most recent call last):
    ValueError: set: unknown path 'model.hidden'; did you mean 'model.recurrence.hidden'?
    """
    if not settings:
        return experiment
    wanted = _read(settings)
    draft, absent = _drafted(experiment, wanted)
    for first in absent.values():
        raise first.error(paths(draft))
    return _validated(draft, wanted)


def _read(settings: Sequence[str]) -> dict[Path, Any]:
    """Return the value of each path; two settings of one place are refused."""
    wanted: dict[Path, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        path = tuple(name.strip().split("."))
        if not equals or path == ("",):
            raise ValueError(f"set: expected path=value, such as stages.0.training.epochs=5, got {setting!r}")
        for other in wanted:
            if path == other:
                raise ValueError(f"set: {'.'.join(path)!r} is set twice")
            if path[: len(other)] == other or other[: len(path)] == path:
                raise ValueError(f"set: {'.'.join(other)!r} and {'.'.join(path)!r} overlap; set both in one value")
        wanted[path] = _value(text.strip())
    return wanted


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=str)
    except RecursionError:
        raise ValueError(f"set: a value is nested too deeply: {reprlib.repr(text)}") from None
    except ValueError:  # it is no JSON
        if text in WORDS:
            return WORDS[text]
        return float(text) if NUMBER.fullmatch(text) else text


def _drafted(experiment: Experiment, wanted: Mapping[Path, Any]) -> tuple[Draft, dict[Path, Absent]]:
    """Return the experiment as a draft with the settings made, and the paths that it does not have."""
    draft = take_apart(experiment, experiment.model_dump(mode="json"))
    absent = {}
    # Kinds first, the outer before the inner: they decide which other paths there are.
    for path in sorted(wanted, key=lambda path: (path[-1] != "kind", len(path))):
        try:
            put(draft, path, wanted[path])
        except Absent as error:
            absent[path] = error
    return draft, {path: absent[path] for path in wanted if path in absent}


def _validated(draft: Draft, wanted: Mapping[Path, Any]) -> Experiment:
    """Return the experiment of a draft; nothing that was set may have silently become of another type."""
    data = put_together(draft)
    try:
        experiment = Experiment.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise ValueError(f"set: {_words(error, data)}") from error
    except RecursionError:
        raise ValueError("set: a value is nested too deeply") from None
    held = experiment.model_dump(mode="json")
    for path, value in wanted.items():
        found = held
        for part in path:
            found = found[int(part)] if isinstance(found, list) else found[part]
        _check_type(".".join(path), value, found)
    return experiment


def _check_type(path: str, wanted: Any, held: Any) -> None:
    """Refuse what pydantic turns without a word, such as true into 1 or a text into a number."""
    if isinstance(wanted, dict) and isinstance(held, dict):
        for name in wanted:
            _check_type(f"{path}.{name}", wanted[name], held.get(name))
    elif isinstance(wanted, list) and isinstance(held, list):
        for number, (item, part) in enumerate(zip(wanted, held, strict=False)):
            _check_type(f"{path}.{number}", item, part)
    else:
        expected, got = _type(held), _type(wanted)
        if expected and got and expected != got:
            raise ValueError(f"set: {path}: expected {expected}, got {got} {json.dumps(wanted)}")


def _type(value: Any) -> str | None:
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, int | float):
        return "a number"
    return "a text" if isinstance(value, str) else None


def _words(error: ValidationError, data: Any) -> str:
    """Say what is wrong and where; that a list is too short is no news where its entries are wrong."""
    errors = error.errors()
    places = [each["loc"] for each in errors]
    below = [any(len(place) < len(other) and other[: len(place)] == place for other in places) for place in places]
    return "; ".join(_line(each, data) for each, told in zip(errors, below, strict=True) if not told)


def _line(error: ErrorDetails, data: Any) -> str:
    """Say one mistake. The places that pydantic names also hold the kinds of unions, which are no part of a path."""
    where = []
    for number, part in enumerate(error["loc"]):
        try:
            data = data[part]
        except (LookupError, TypeError):
            if error["type"] != "missing" or number < len(error["loc"]) - 1:
                continue
        where.append(str(part))
    message = error["msg"].removeprefix("Value error, ")
    if not where:
        return message
    got = f", got {reprlib.repr(error['input'])}" if isinstance(error["input"], str | int | float) else ""
    return f"{'.'.join(where)}: {message}{got}"
