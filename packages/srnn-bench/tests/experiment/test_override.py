"""`override` (`--set`): the fields that it changes, those it leaves, and its error messages."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srnn_bench import SGD, AdamW, BenchError, Experiment, Masked, Penalty, Stage, Training, override
from srnn_manifolds import L1, Moduli, Product, Sphere, Torus
from srnn_masks import Locality, UniformRandom
from srnn_models import ElmanRNN, SequenceModel
from srnn_pruning import OneShot, Pruning
from srnn_tasks import Adding, PathIntegration

TRAINING = Training(epochs=3, batches=2, batch_size=8, learning_rate=1e-2)
FULL = Experiment(
    task=Adding(steps=5, held_out=50),
    model=SequenceModel(recurrence=ElmanRNN(hidden=9, nonlinearity="relu")),
    masks=(
        Masked(parameter="*weight_hh*", pattern=UniformRandom(density=0.75)),
        Masked(parameter="*weight_ih*", pattern=Locality(sheet=(3, 3), radius=1.5)),
    ),
    penalties=(
        Penalty(parameter="*weight_hh*", regularizer=Moduli(manifold=Product(factors=(Sphere(), Torus()))), strength=1),
        Penalty(parameter="*weight_hh*", regularizer=L1(matched=Moduli()), strength=0.1),
    ),
    stages=(
        Stage(name="sparse", training=TRAINING, pruning=Pruning(sparsity=0.5)),
        Stage(name="lottery", training=TRAINING, start="reinitialize"),
    ),
)
UPDATES = [  # setting; the same change of the JSON of FULL
    ("stages.0.training.learning_rate=3e-4", lambda data: data["stages"][0]["training"].update(learning_rate=0.0003)),
    (" stages.1.training.epochs = 7 ", lambda data: data["stages"][1]["training"].update(epochs=7)),
    ("model.recurrence.hidden=1024", lambda data: data["model"]["recurrence"].update(hidden=1024)),
    ("model.recurrence.bias=false", lambda data: data["model"]["recurrence"].update(bias=False)),
    ("penalties.0.strength=0.1", lambda data: data["penalties"][0].update(strength=0.1)),
    ("penalties.1.strength=1", lambda data: data["penalties"][1].update(strength=1.0)),
    ("stages.1.start=rewind", lambda data: data["stages"][1].update(start="rewind")),
    ('stages.1.start="rewind"', lambda data: data["stages"][1].update(start="rewind")),
    ('stages.1.name="null"', lambda data: data["stages"][1].update(name="null")),
    ('stages.1.pruning={"sparsity": 0.9}', lambda data: data["stages"][1].update(pruning={"sparsity": 0.9})),
    ("stages.0.pruning=null", lambda data: data["stages"][0].update(pruning=None)),
    ("penalties=[]", lambda data: data.update(penalties=[])),
    ("masks.0.pattern.density=0.3", lambda data: data["masks"][0]["pattern"].update(density=0.3)),
    ("masks.1.pattern.sheet=[9, 1]", lambda data: data["masks"][1]["pattern"].update(sheet=[9, 1])),
    ("masks.1.pattern.sheet.1=3.0", lambda data: data["masks"][1]["pattern"].update(sheet=[3, 3])),
    (
        "penalties.0.regularizer.manifold.factors.1.period=3",
        lambda data: data["penalties"][0]["regularizer"]["manifold"]["factors"][1].update(period=3.0),
    ),
    ("task.steps=6", lambda data: data["task"].update(steps=6)),
]


def dump(experiment) -> dict:
    return json.loads(experiment.model_dump_json())


@pytest.mark.parametrize(("setting", "update"), UPDATES, ids=[setting for setting, _ in UPDATES])
def test_a_setting_changes_its_field_and_no_other(setting, update):
    expected = dump(FULL)
    update(expected)
    assert override(FULL, [setting]) == Experiment.model_validate_json(json.dumps(expected))


def test_no_setting_is_the_same_experiment():
    assert override(FULL, []) is FULL


def test_settings_are_validated_together():
    settings = ["stages.0.pruning.schedule.epoch=5", "stages.0.training.epochs=5"]
    staged = override(FULL, ['stages.0.pruning.schedule={"kind": "one_shot"}'])
    with pytest.raises(BenchError, match=r"^set: stages: 'sparse': OneShot: expected an epoch within the 3 epochs"):
        override(staged, settings[:1])
    for ordered in (settings, settings[::-1]):
        changed = override(staged, ordered)
        assert (changed.stages[0].pruning.schedule, changed.stages[0].training.epochs) == (OneShot(epoch=5), 5)


@pytest.mark.parametrize(
    ("setting", "optimizer"),
    [
        ('{"kind": "sgd"}', SGD()),
        ('{"kind": "sgd", "momentum": 0.9}', SGD(momentum=0.9)),
        ('{"kind": "adamw", "betas": [0.5, 0.6]}', AdamW(betas=(0.5, 0.6))),
    ],
)
def test_another_kind_is_set_as_a_whole_value(setting, optimizer):
    assert override(FULL, [f"stages.0.training.optimizer={setting}"]).stages[0].training.optimizer == optimizer


def test_a_task_of_another_kind_is_set_as_a_whole_value():
    changed = override(FULL, ['task={"kind": "path_integration", "steps": 4}'])
    assert changed.task == PathIntegration(steps=4)


# Mistakes


MISTAKES = [  # setting; part of the message
    ("model.hidden=1024", "unknown path 'model.hidden'; did you mean 'model.recurrence.hidden'?"),
    ("hidden=1024", "unknown path 'hidden'; did you mean 'model.recurrence.hidden'?"),
    ("penalties.0.strenght=1", "unknown path 'penalties.0.strenght'; did you mean 'penalties.0.strength'"),
    ("learning_rate=1", "'stages.1.training.learning_rate' or 'stages.0.training.learning_rate'?"),
    ("stages.0.name.x=1", "unknown path 'stages.0.name.x'"),
    ("zzz=1", "unknown path 'zzz'"),
    ("a..b=1", "unknown path 'a..b'"),
    ("stages.2.start=rewind", "'stages' is a list of 2; expected a number from 0 to 1, got '2'"),
    ("stages.-1.start=rewind", "'stages' is a list of 2; expected a number from 0 to 1, got '-1'"),
    ("signs.0.parameter=x", "'signs' is a list of 0; expected the whole value as JSON"),
    ("stages.1.pruning.sparsity=0.4", "'stages.1.pruning' is null; set the whole value as JSON"),
    ("stages.1.start", "expected path=value, such as stages.0.training.epochs=5, got 'stages.1.start'"),
    ("=3", "expected path=value"),
    ("stages.0.training.epochs=0", "stages.0.training.epochs: expected a number greater than 0, got 0"),
    ("stages.0.training.optimizer.betas=[0.1]", "stages.0.training.optimizer.betas.1: expected this field"),
    ("stages.0.training={}", "stages.0.training.batch_size: expected this field"),
    ('masks.0.pattern={"kind": "dense", "radius": 2}', "masks.0.pattern.radius: unknown field; known: kind"),
    ('task={"kind": "ading"}', "task.kind: no task 'ading' is installed. Did you mean 'adding'?"),
    ("stages.0.start=rewind", "stages: expected start='continue' for the first stage, 'sparse'"),
    ("stages.1.name=null", "stages.1.name: expected a valid string, got null"),
    ("stages.0.training.learning_rate=NaN", "stages.0.training.learning_rate: expected a number, got 'NaN'"),
    ("stages.0.training.learning_rate=1e999", "stages.0.training.learning_rate: expected a finite number"),
    # a kind alone
    (
        "stages.0.training.optimizer.kind=sgd",
        'the whole value, such as stages.0.training.optimizer={"kind": "sgd"}',
    ),
    # values of another type
    ("stages.0.training.epochs=true", "stages.0.training.epochs: expected a number, got True"),
    ('stages.0.training.epochs="1"', "stages.0.training.epochs: expected a number, got '1'"),
    ("stages.0.training.learning_rate=.5", "expected a number, got '.5'"),
    ("model.recurrence.bias=1", "model.recurrence.bias: expected a valid boolean, got 1"),
    ("model.recurrence.bias=False", "model.recurrence.bias: expected a valid boolean, got 'False'"),
    ("task.held_out=true", "task.held_out: expected a number, got True"),
    ('stages.1.pruning={"sparsity": true}', "stages.1.pruning.sparsity: expected a number, got True"),
    ('masks.1.pattern.sheet=[3, "3"]', "masks.1.pattern.sheet.1: expected a number, got '3'"),
    # extreme values
    ('penalties.0.parameter="\\ud800"', "expected valid JSON"),
    ("penalties=" + 300 * "[" + 300 * "]", "recursion limit"),
    ("penalties=" + 10**5 * "[", "penalties: expected a list"),
    ("stages.0.training.epochs=" + 5000 * "9", "stages.0.training.epochs: "),
    ("stages." + 5000 * "9" + ".start=rewind", "'stages' is a list of 2"),
]


@pytest.mark.parametrize(("setting", "message"), MISTAKES, ids=lambda part: part[:40])
def test_the_message_of_a_mistake_names_the_path(setting, message):
    with pytest.raises(BenchError) as raised:
        override(FULL, [setting])
    assert str(raised.value).startswith("set: ") and message in str(raised.value)
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 400 + 2 * len(setting)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["task.steps=6", " task.steps =6"], "'task.steps' is set twice; set it once"),
        (['stages.1.pruning={"sparsity": 1}', "stages.1.pruning.ranking=global"], "overlap; set both in one value"),
        (["stages.1.pruning.ranking=global", 'stages.1.pruning={"sparsity": 1}'], "overlap; set both in one value"),
    ],
)
def test_a_field_is_set_once(settings, message):
    with pytest.raises(BenchError, match=r"^set: ") as raised:
        override(FULL, settings)
    assert message in str(raised.value)


def test_paths_that_begin_alike_do_not_overlap():
    assert override(FULL, ["task.steps=6", "task.held_out=7"]).task == Adding(steps=6, held_out=7)


# Property tests


def paths_of(data, before=()):
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for name, part in items:
        yield ".".join(map(str, (*before, name))), part
        yield from paths_of(part, (*before, name))


FIELDS = sorted(paths_of(dump(FULL)), key=lambda item: item[0])


@given(st.sampled_from(FIELDS), st.integers(0, 5))
def test_a_field_set_to_its_value_changes_nothing(field, seed):
    path, value = field
    same = override(FULL, [f"{path}={json.dumps(value)}"])
    assert same == FULL and same.key(seed) == FULL.key(seed)


@given(st.sets(st.sampled_from([path for path, value in FIELDS if not isinstance(value, dict | list)])))
def test_many_fields_set_to_their_values_change_nothing(chosen):
    assert override(FULL, [f"{path}={json.dumps(dict(FIELDS)[path])}" for path in sorted(chosen)]) == FULL


@given(st.floats(min_value=1e-300, max_value=1e300))
def test_a_number_keeps_all_its_bits(value):
    assert override(FULL, [f"penalties.0.strength={value!r}"]).penalties[0].strength == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=5), part, max_size=3),
)
PATHS = st.sampled_from([path for path, _ in FIELDS]) | st.text(alphabet="task.01-kind", max_size=12) | st.text()
TEXTS = st.text() | JSON.map(json.dumps) | st.text(alphabet='{}[]",:0.e+-_', max_size=8)
SETTINGS = st.text() | st.tuples(PATHS, TEXTS).map("=".join)


@given(st.lists(SETTINGS, min_size=1, max_size=3))
def test_any_text_is_refused_or_gives_an_experiment(settings):
    try:
        experiment = override(FULL, settings)
    except BenchError as error:
        assert str(error).startswith("set: ")
    else:
        assert Experiment.model_validate_json(experiment.model_dump_json()) == experiment
