"""Laws of every value of this package: a new member joins with one line in `VALUES` and, if it can fail, `REFUSED`."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from srnn_models import AnyModel, AnyRecurrence, ElmanRNN, PathIntegrator, SequenceModel

RECURRENCES = st.one_of(
    st.builds(
        ElmanRNN, hidden=st.integers(1, 10**6), nonlinearity=st.sampled_from(["tanh", "relu"]), bias=st.booleans()
    ),
)
MODELS = st.one_of(
    st.builds(SequenceModel, recurrence=RECURRENCES, bias=st.booleans()),
    st.builds(PathIntegrator, recurrence=RECURRENCES),
)
VALUES = st.one_of(
    st.tuples(st.just(TypeAdapter(AnyRecurrence)), RECURRENCES),
    st.tuples(st.just(TypeAdapter(AnyModel)), MODELS),
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


ELMAN = {"kind": "elman", "hidden": 4}


@pytest.mark.parametrize(
    ("family", "fields", "named"),
    [
        (AnyRecurrence, {"kind": "elman"}, "hidden"),
        (AnyRecurrence, {"kind": "elman", "hidden": 0}, "hidden"),
        (AnyRecurrence, {"kind": "elman", "hidden": -3}, "hidden"),
        (AnyRecurrence, {"kind": "elman", "hidden": 2.5}, "hidden"),
        (AnyRecurrence, {"kind": "elman", "hidden": float("inf")}, "hidden"),
        (AnyRecurrence, {**ELMAN, "nonlinearity": "sigmoid"}, "nonlinearity"),
        (AnyRecurrence, {**ELMAN, "bias": "perhaps"}, "bias"),
        (AnyRecurrence, {**ELMAN, "layers": 2}, "layers"),
        (AnyRecurrence, {"kind": "gru", "hidden": 4}, "kind.*'elman'"),
        (AnyRecurrence, {"hidden": 4}, "kind"),
        (AnyModel, {"kind": "sequence"}, "recurrence"),
        (AnyModel, {"kind": "sequence", "recurrence": {"kind": "elman", "hidden": 0}}, "recurrence.elman.hidden"),
        (AnyModel, {"kind": "sequence", "recurrence": ELMAN, "bias": None}, "bias"),
        (AnyModel, {"kind": "path_integrator", "recurrence": {"kind": "gru"}}, "recurrence"),
        (AnyModel, {"kind": "path_integrator", "recurrence": ELMAN, "bias": False}, "bias"),
        (AnyModel, {"kind": "transformer"}, "kind.*'sequence', 'path_integrator'"),
    ],
)
def test_refusals_name_the_field(family, fields, named):
    with pytest.raises(ValidationError, match=named):
        TypeAdapter(family).validate_python(fields)


def test_values_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        ElmanRNN(hidden=2).hidden = 3


def test_schema_of_a_family_of_one_has_the_shape_of_a_family_of_many():
    """So a second recurrence adds to the JSON schema and changes nothing that was there."""
    one, many = TypeAdapter(AnyRecurrence).json_schema(), TypeAdapter(AnyModel).json_schema()
    assert one["discriminator"] == {"propertyName": "kind", "mapping": {"elman": "#/$defs/ElmanRNN"}}
    assert one.keys() == many.keys()
