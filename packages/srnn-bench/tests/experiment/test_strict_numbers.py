"""No value of any package reads a number from a bool or from text, or a bool from a number or from text."""

import copy
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from srnn_bench import Experiment

DATA = json.loads((Path(__file__).parents[1] / "data" / "run_keys.json").read_text())["experiments"]


def scalars(data, path=()):
    """Yield the path of each number and bool in JSON data, except those of free-form arguments."""
    if isinstance(data, bool | int | float):
        yield path
    elif isinstance(data, list | dict):
        items = data.items() if isinstance(data, dict) else enumerate(data)
        for name, part in items:
            if name != "arguments":
                yield from scalars(part, (*path, name))


def at(data, path):
    for name in path:
        data = data[name]
    return data


def changed(data, path, value):
    data = copy.deepcopy(data)
    at(data, path[:-1])[path[-1]] = value
    return data


@pytest.mark.parametrize("name", DATA)
def test_a_scalar_of_another_type_is_refused(name):
    data = DATA[name]["complete"]
    paths = list(scalars(data))
    assert len(paths) > 10
    for path in paths:
        was = at(data, path)
        for value in (int(was), str(was)) if isinstance(was, bool) else (bool(was), True, str(was)):
            wrong = changed(data, path, value)
            for validate, form in (
                (Experiment.model_validate, wrong),
                (Experiment.model_validate_json, json.dumps(wrong)),
            ):
                with pytest.raises(ValidationError, match=r"expected a number|valid boolean|Input should be"):
                    validate(form)


@pytest.mark.parametrize("name", DATA)
def test_a_number_may_be_written_as_an_integer_or_a_float(name):
    """The value, and so the key, is the same."""
    data, expected = DATA[name]["complete"], Experiment.model_validate(DATA[name]["complete"])
    for path in scalars(data):
        was = at(data, path)
        if not isinstance(was, bool) and was == int(was) and abs(was) < 2**53:
            for value in (int(was), float(was)):
                assert Experiment.model_validate(changed(data, path, value)) == expected
