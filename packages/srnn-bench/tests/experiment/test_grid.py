"""`--grid`: the points of a grid, their settings and names, and its error messages."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srnn_bench import BenchError, override
from srnn_bench.experiment import grid_points

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(), parts, max_size=2),
    max_leaves=4,
)


def values_of(text):
    return [point.values["x"] for point in grid_points([f"x={text}"])]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("16,32", [16, 32]),
        ("16", [16]),
        (" 1e-3 , 3e-4 ", [0.001, 0.0003]),
        ("relu,tanh", ["relu", "tanh"]),
        ('"relu","tanh"', ["relu", "tanh"]),
        ('"a,b"', ["a,b"]),
        ("true,false,null", [True, False, None]),
        ("[16, 32]", [16, 32]),
        ("[[0.9, 0.99], [0.8, 0.99]]", [[0.9, 0.99], [0.8, 0.99]]),
        ("[[]]", [[]]),
        ('{"kind": "sgd"}', [{"kind": "sgd"}]),
        ('[{"kind": "sgd"}, {"kind": "adamw"}]', [{"kind": "sgd"}, {"kind": "adamw"}]),
    ],
)
def test_values_are_commas_between_scalars_or_a_json_list(text, values):
    assert [json.dumps(value) for value in values_of(text)] == [json.dumps(value) for value in values]


@given(st.lists(VALUES, min_size=1, max_size=4, unique_by=json.dumps), st.lists(st.integers(), unique=True, min_size=1))
def test_the_points_are_the_product_and_their_settings_give_the_values_back(first, second):
    points = grid_points([f"a.b={json.dumps(first)}", f"c={json.dumps(second)}"])
    assert [tuple(point.values.values()) for point in points] == list(itertools.product(first, second))
    for point in points:
        read = [json.loads(setting.partition("=")[2]) for setting in point.settings]
        assert json.dumps(read) == json.dumps(list(point.values.values()))


def test_without_a_grid_there_is_one_point_that_changes_nothing(tiny):
    (point,) = grid_points([])
    assert (point.values, point.settings, str(point)) == ({}, (), "")
    assert override(tiny(), point.settings) == tiny()


def test_a_point_is_named_by_the_ends_of_its_paths_unless_two_are_the_same(tiny):
    grid = ["model.recurrence.hidden=16", "stages.0.training.learning_rate=1e-2"]
    assert str(grid_points(grid)[0]) == "hidden=16, learning_rate=0.01"
    both = ["stages.0.training.epochs=2", "stages.1.training.epochs=3", "task.steps=6", "a.sheet.1=text"]
    assert str(grid_points(both)[0]) == (
        "stages.0.training.epochs=2, stages.1.training.epochs=3, steps=6, sheet.1=text"
    )


def test_the_settings_of_a_point_change_an_experiment(tiny):
    points = grid_points(["model.recurrence.hidden=5,7", "stages.0.training.optimizer.betas=[[0.8, 0.9]]"])
    changed = [override(tiny(), point.settings) for point in points]
    assert [each.model.recurrence.hidden for each in changed] == [5, 7]
    assert {each.stages[0].training.optimizer.betas for each in changed} == {(0.8, 0.9)}


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (["model.recurrence.hidden"], "expected path=value,value"),
        (["=1,2"], "expected path=value,value"),
        (["x="], "expected a value before and after each comma"),
        (["x=1,"], "expected a value before and after each comma"),
        (["x=1,,2"], "expected a value before and after each comma"),
        (["x=[]"], "expected at least one value"),
        (["x=[1, 2"], "valid JSON list"),
        (['x={"a": 1}, {"a": 2}'], "valid JSON list"),
        (["x=1,1.0,1"], "expected different values, got 1 more than once"),
        (["x=1,2", "x=3"], "expected each path once, got 'x' twice"),
        (["x.y=1", "x=2"], "grid: 'x.y' and 'x' overlap"),
    ],
)
def test_a_mistake_is_named(grid, message):
    with pytest.raises(BenchError) as error:
        grid_points(grid)
    assert message in str(error.value)
