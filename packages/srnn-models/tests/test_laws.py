"""Laws of every value of this package: a new member joins with one line in `VALUES` and, if it can fail, `REFUSED`."""

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from srnn_models import (
    GRU,
    LSTM,
    AnyInitialization,
    AnyModel,
    AnyRecurrence,
    BlockRNN,
    ElmanRNN,
    Glorot,
    GlorotStacked,
    He,
    LanguageModel,
    LeakyRNN,
    Normal,
    PathIntegrator,
    PeepholeLSTM,
    ProjectedLSTM,
    SequenceModel,
    TorchUniform,
    Uniform,
)

SIZES = st.integers(1, 10**6)
ELMAN_BIASES = st.sampled_from([True, False, "double"])
ALPHAS, RATES = st.floats(0, 1, exclude_min=True), ["relu", "softplus", "tanh"]
INITIALIZATIONS = st.one_of(
    st.sampled_from([TorchUniform(), Glorot(), GlorotStacked(), He()]),
    st.builds(Normal, sd=st.floats(0, 1e3), mean=st.floats(-1e3, 1e3)),
    st.builds(Uniform, low=st.floats(-1e3, 0), high=st.floats(0, 1e3)),
)
RECURRENCES = st.one_of(
    st.builds(
        ElmanRNN,
        hidden=SIZES,
        nonlinearity=st.sampled_from(["tanh", "relu"]),
        bias=ELMAN_BIASES,
        initialization=INITIALIZATIONS,
    ),
    st.builds(LeakyRNN, hidden=SIZES, alpha=ALPHAS, nonlinearity=st.sampled_from(RATES), bias=st.booleans()),
    *[
        st.builds(kind, hidden=SIZES, bias=st.booleans(), initialization=INITIALIZATIONS)
        for kind in (GRU, LSTM, PeepholeLSTM)
    ],
)
MODELS = st.one_of(
    st.builds(
        SequenceModel,
        recurrence=RECURRENCES,
        bias=st.booleans(),
        layers=SIZES,
        readout_initialization=INITIALIZATIONS,
    ),
    st.builds(PathIntegrator, recurrence=RECURRENCES),
    st.builds(
        LanguageModel,
        recurrence=RECURRENCES,
        layers=SIZES,
        embedding=st.none() | SIZES,
        readout_initialization=st.none() | INITIALIZATIONS,
    ),
    st.builds(
        BlockRNN,
        hidden=SIZES,
        reads=st.sampled_from(["before", "after"]),
        **dict.fromkeys(["hx", "hh", "hy", "yx", "yh", "yy"], INITIALIZATIONS),
    ),
    st.builds(ProjectedLSTM, hidden=SIZES, bias=st.booleans(), initialization=INITIALIZATIONS),
)
VALUES = st.one_of(
    st.tuples(st.just(TypeAdapter(AnyInitialization)), INITIALIZATIONS),
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


ELMAN, LEAKY = {"kind": "elman", "hidden": 4}, {"kind": "leaky", "hidden": 4}


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
        (AnyRecurrence, {**ELMAN, "bias": "Double"}, "bias"),
        (AnyRecurrence, {**ELMAN, "bias": 2}, "bias"),
        (AnyRecurrence, {"kind": "leaky"}, "hidden"),
        (AnyRecurrence, {**LEAKY, "alpha": 0}, "alpha"),
        (AnyRecurrence, {**LEAKY, "alpha": -0.2}, "alpha"),
        (AnyRecurrence, {**LEAKY, "alpha": 1.01}, "alpha"),
        (AnyRecurrence, {**LEAKY, "alpha": float("nan")}, "alpha"),
        (AnyRecurrence, {**LEAKY, "nonlinearity": "sigmoid"}, "nonlinearity"),
        (AnyRecurrence, {**LEAKY, "bias": "double"}, "bias"),
        (AnyRecurrence, {**LEAKY, "gain": 0}, "gain"),
        (AnyRecurrence, {**LEAKY, "noise": 0.1}, "noise"),
        (AnyRecurrence, {"kind": "gru", "hidden": 0}, "hidden"),
        (AnyRecurrence, {"kind": "gru", "hidden": 4, "bias": "double"}, "bias"),
        (AnyRecurrence, {"kind": "gru", "hidden": 4, "nonlinearity": "relu"}, "nonlinearity"),
        (AnyRecurrence, {"kind": "lstm"}, "hidden"),
        (AnyRecurrence, {"kind": "lstm", "hidden": 4, "state_size": 8}, "state_size"),
        (AnyRecurrence, {"kind": "peephole_lstm", "hidden": 4, "peepholes": "diagonal"}, "peepholes"),
        (AnyRecurrence, {**ELMAN, "initialization": {"kind": "xavier"}}, "initialization"),
        (AnyRecurrence, {**LEAKY, "initialization": {"kind": "he"}}, "initialization"),
        (AnyRecurrence, {"kind": "rnn", "hidden": 4}, "kind.*'elman', 'leaky', 'gru', 'lstm', 'peephole_lstm'"),
        (AnyRecurrence, {"hidden": 4}, "kind"),
        (AnyModel, {"kind": "sequence"}, "recurrence"),
        (AnyModel, {"kind": "sequence", "recurrence": {"kind": "elman", "hidden": 0}}, "recurrence.elman.hidden"),
        (AnyModel, {"kind": "sequence", "recurrence": ELMAN, "bias": None}, "bias"),
        (AnyModel, {"kind": "sequence", "recurrence": ELMAN, "layers": 0}, "layers"),
        (AnyModel, {"kind": "path_integrator", "recurrence": {"kind": "gru"}}, "recurrence"),
        (AnyModel, {"kind": "path_integrator", "recurrence": ELMAN, "layers": 2}, "layers"),
        (AnyModel, {"kind": "language_model", "layers": 2}, "recurrence"),
        (AnyModel, {"kind": "language_model", "recurrence": ELMAN, "layers": 0}, "layers"),
        (AnyModel, {"kind": "language_model", "recurrence": ELMAN, "embedding": 0}, "embedding"),
        (AnyModel, {"kind": "language_model", "recurrence": ELMAN, "dropout": 0.5}, "dropout"),
        (AnyModel, {"kind": "path_integrator", "recurrence": ELMAN, "bias": False}, "bias"),
        (AnyModel, {"kind": "block"}, "hidden"),
        (AnyModel, {"kind": "block", "hidden": 0}, "hidden"),
        (AnyModel, {"kind": "block", "hidden": 4, "reads": "never"}, "block.reads\n.*'before' or 'after'"),
        (AnyModel, {"kind": "block", "hidden": 4, "hh": {"kind": "normal"}}, "hh.normal.sd"),
        (AnyModel, {"kind": "block", "hidden": 4, "densities": [1, 0.2]}, "densities"),
        (AnyModel, {"kind": "projected_lstm", "hidden": 4, "outputs": 2}, "outputs"),
        (
            AnyModel,
            {"kind": "transformer"},
            "kind.*'sequence', 'path_integrator', 'language_model', 'block', 'projected_lstm'",
        ),
    ],
)
def test_errors_name_the_field(family, fields, named):
    with pytest.raises(ValidationError, match=named):
        TypeAdapter(family).validate_python(fields)


def test_values_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        ElmanRNN(hidden=2).hidden = 3


def test_a_family_names_its_members_in_the_schema():
    schema = TypeAdapter(AnyRecurrence).json_schema()
    assert schema["discriminator"]["propertyName"] == "kind"
    assert set(schema["discriminator"]["mapping"]) == {"elman", "leaky", "gru", "lstm", "peephole_lstm"}


@pytest.mark.parametrize("bias", [True, False])
def test_json_of_earlier_fields_is_unchanged(bias):
    """The keys of runs depend on it: fields keep this form, and later fields have a default."""
    text = f'{{"kind":"elman","hidden":4,"nonlinearity":"tanh","bias":{json.dumps(bias)}}}'
    assert ElmanRNN(hidden=4, bias=bias).model_dump_json(exclude={"initialization"}) == text
    assert ElmanRNN.model_validate_json(text).initialization == TorchUniform()
    assert ElmanRNN.model_validate_json(text).bias is bias
    assert SequenceModel(recurrence=ElmanRNN(hidden=4)).model_dump(exclude_defaults=True) == {
        "recurrence": {"hidden": 4}
    }
    assert BlockRNN(hidden=4).model_dump(exclude_defaults=True) == {"hidden": 4}
