"""Laws of every value of this package; a new member joins with one line in its strategy and in the refusals."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from srnn_pruning import (
    SNIP,
    AnyCriterion,
    AnySchedule,
    GraSP,
    JacobianSpectrum,
    Linear,
    Magnitude,
    OneShot,
    Proportional,
    Pruning,
    Random,
    Shuffled,
)

NORMALIZATIONS = st.sampled_from(["gamma", "data", "rms", "mean_abs", "none"])
BASES = st.one_of(
    st.builds(Magnitude),
    st.builds(Random),
    st.builds(SNIP, normalization=NORMALIZATIONS),
    st.builds(GraSP, normalization=NORMALIZATIONS),
    st.builds(
        JacobianSpectrum,
        last=st.integers(1, 100),
        vector=st.sampled_from(["ones", "sign", "frobenius"]),
        state=st.sampled_from(["h", "hc"]),
        derivative=st.sampled_from(["total", "explicit"]),
        normalization=NORMALIZATIONS,
    ),
)
CRITERIA = st.one_of(BASES, st.builds(Shuffled, base=BASES))
SCHEDULES = st.one_of(st.builds(Linear), st.builds(Proportional), st.builds(OneShot, epoch=st.integers(1, 10**6)))
PRUNINGS = st.builds(
    Pruning,
    sparsity=st.floats(0, 1),
    criterion=CRITERIA,
    schedule=SCHEDULES,
    scope=st.lists(st.text(min_size=1), min_size=1, max_size=3).map(tuple),
    ranking=st.sampled_from(["global", "per_matrix", "per_gate"]),
)
VALUES = st.one_of(
    st.tuples(st.just(TypeAdapter(AnyCriterion)), CRITERIA),
    st.tuples(st.just(TypeAdapter(AnySchedule)), SCHEDULES),
    st.tuples(st.just(TypeAdapter(Pruning)), PRUNINGS),
)


@given(VALUES)
def test_json_round_trip(pair):
    family, value = pair
    text = value.model_dump_json()
    assert type(value).model_validate_json(text) == value
    again = family.validate_json(text)
    assert again == value
    assert hash(again) == hash(value)
    assert type(again) is type(value)
    assert json.loads(text)["kind"] == value.kind
    assert family.validate_python(value) is value
    assert pickle.loads(pickle.dumps(value)) == value


@pytest.mark.parametrize(
    ("family", "fields", "named"),
    [
        (Pruning, {}, "sparsity"),
        (Pruning, {"sparsity": 1.5}, "sparsity"),
        (Pruning, {"sparsity": -0.1}, "sparsity"),
        (Pruning, {"sparsity": float("nan")}, "sparsity"),
        (Pruning, {"sparsity": 0.5, "density": 0.5}, "density"),
        (Pruning, {"sparsity": 0.5, "scope": ()}, "scope"),
        (Pruning, {"sparsity": 0.5, "scope": "*weight*"}, "scope"),
        (Pruning, {"sparsity": 0.5, "scope": ("",)}, "scope"),
        (Pruning, {"sparsity": 0.5, "ranking": "local"}, "ranking"),
        (Pruning, {"sparsity": 0.5, "kind": "growth"}, "kind"),
        (Pruning, {"sparsity": 0.5, "criterion": {"kind": "magic"}}, "criterion.*\n.*'magnitude', 'random'"),
        (Pruning, {"sparsity": 0.5, "schedule": {"kind": "one_shot", "epoch": 0}}, "schedule.one_shot.epoch"),
        (AnyCriterion, {"kind": "magnitude", "power": 2}, "power"),
        (AnyCriterion, {"kind": "snip", "normalization": "mean"}, "normalization"),
        (AnyCriterion, {"kind": "grasp", "temperature": 0.0}, "temperature"),
        (AnyCriterion, {"kind": "jacobian_spectrum", "last": 0}, "last"),
        (AnyCriterion, {"kind": "jacobian_spectrum", "vector": "zeros"}, "vector"),
        (AnyCriterion, {"kind": "jacobian_spectrum", "state": "c"}, "state"),
        (AnyCriterion, {"kind": "shuffled"}, "base"),
        (AnyCriterion, {"kind": "shuffled", "base": {"kind": "shuffled", "base": {"kind": "snip"}}}, "base"),
        (AnySchedule, {"kind": "one_shot", "epoch": 1.5}, "epoch"),
        (AnySchedule, {"kind": "cubic"}, "kind.*'one_shot', 'linear'"),
    ],
)
def test_refusals_name_the_field(family, fields, named):
    with pytest.raises(ValidationError, match=named):
        TypeAdapter(family).validate_python(fields)


def test_the_json_of_the_first_criteria_stays():
    assert Pruning(sparsity=0.5).model_dump()["criterion"] == {"kind": "magnitude"}
    assert Pruning(sparsity=0.5, criterion={"kind": "random"}).criterion == Random()
    assert Random().model_dump_json() == '{"kind":"random"}'


def test_values_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        Pruning(sparsity=0.5).sparsity = 0.9
