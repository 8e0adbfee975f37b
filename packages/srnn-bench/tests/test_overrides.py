"""`--set`: what it changes, what it leaves, and what it says of a mistake."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srnn_bench import SGD, Adam, AdamW, Cell, Experiment, Masked, Penalty, Published, Stage, Table, Training, papers
from srnn_bench.experiment import override
from srnn_bench.tables import override_table
from srnn_manifolds import L1, Circle, Moduli, Product, Sphere, Torus
from srnn_masks import FixedInDegree, Locality, UniformRandom
from srnn_models import ElmanRNN, SequenceModel
from srnn_pruning import OneShot, Pruning
from srnn_tasks import Adding

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
UPDATES = [  # setting; what it does to the JSON of FULL, by hand
    ("stages.0.training.learning_rate=3e-4", lambda data: data["stages"][0]["training"].update(learning_rate=0.0003)),
    ("stages.0.training.learning_rate=.5", lambda data: data["stages"][0]["training"].update(learning_rate=0.5)),
    (" stages.1.training.epochs = 7 ", lambda data: data["stages"][1]["training"].update(epochs=7)),
    ("model.recurrence.hidden=1024", lambda data: data["model"]["recurrence"].update(hidden=1024)),
    ("model.recurrence.bias=false", lambda data: data["model"]["recurrence"].update(bias=False)),
    ("model.recurrence.bias=False", lambda data: data["model"]["recurrence"].update(bias=False)),
    ("penalties.0.strength=0.1", lambda data: data["penalties"][0].update(strength=0.1)),
    ("penalties.1.strength=1", lambda data: data["penalties"][1].update(strength=1.0)),
    ("stages.1.start=rewind", lambda data: data["stages"][1].update(start="rewind")),
    ('stages.1.start="rewind"', lambda data: data["stages"][1].update(start="rewind")),
    ('stages.1.name="null"', lambda data: data["stages"][1].update(name="null")),
    ('stages.1.pruning={"sparsity": 0.9}', lambda data: data["stages"][1].update(pruning={"sparsity": 0.9})),
    ("stages.0.pruning=null", lambda data: data["stages"][0].update(pruning=None)),
    ("stages.0.pruning=None", lambda data: data["stages"][0].update(pruning=None)),
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
    staged = override(FULL, ["stages.0.pruning.schedule.kind=one_shot"])
    assert staged.stages[0].pruning.schedule == OneShot(epoch=1)
    with pytest.raises(ValueError, match=r"^set: stages: 'sparse': OneShot: expected an epoch within the 3 epochs"):
        override(staged, settings[:1])
    for ordered in (settings, settings[::-1]):
        changed = override(staged, ordered)
        assert (changed.stages[0].pruning.schedule, changed.stages[0].training.epochs) == (OneShot(epoch=5), 5)


# Kinds


def optimizers(optimizer):
    training = TRAINING.model_copy(update={"optimizer": optimizer})
    return FULL.model_copy(update={"stages": (Stage(name="dense", training=training),)})


@pytest.mark.parametrize(
    ("before", "settings", "after"),
    [
        (Adam(), ["kind=sgd"], SGD()),
        (Adam(), ["kind=adam"], Adam()),
        (Adam(weight_decay=0.2), ["kind=sgd"], SGD(weight_decay=0.2)),
        (Adam(), ["kind=adamw"], AdamW()),  # its own default of weight_decay, 0.01, not Adam's 0
        (Adam(betas=(0.5, 0.6)), ["kind=adamw"], AdamW(betas=(0.5, 0.6))),
        (Adam(), ["momentum=0.9", "kind=sgd"], SGD(momentum=0.9)),
        (SGD(weight_decay=0.2), ["kind=adam", "betas.1=0.5"], Adam(betas=(0.9, 0.5), weight_decay=0.2)),
    ],
)
def test_another_kind_keeps_what_was_chosen(before, settings, after):
    paths = [f"stages.0.training.optimizer.{setting}" for setting in settings]
    assert override(optimizers(before), paths) == optimizers(after)


def test_kinds_nest_and_the_outer_comes_first():
    inside = ["penalties.1.regularizer.manifold.kind=circle", "penalties.1.regularizer.kind=moduli"]
    without = override(FULL, ["penalties.1.regularizer.matched=null"])
    assert override(without, inside).penalties[1].regularizer == Moduli(manifold=Circle())


def test_a_kind_with_required_fields_takes_them_from_other_settings():
    without = override(FULL, ['masks.0.pattern={"kind": "dense"}'])
    settings = ["masks.0.pattern.kind=fixed_in_degree", "masks.0.pattern.degree=4"]
    assert override(without, settings).masks[0].pattern == FixedInDegree(degree=4)
    with pytest.raises(ValueError, match=r"^set: masks\.0\.pattern\.degree: Field required"):
        override(without, settings[:1])


def test_the_kind_of_a_task_is_that_of_any_installed_one():
    plain = override(FULL, ['task={"kind": "adding"}'])
    assert plain.task == Adding()
    assert override(plain, ["task.kind=path_integration", "task.steps=4"]).task.place_cells == 512


# Mistakes


MISTAKES = [  # settings; what is said
    ("model.hidden=1024", "unknown path 'model.hidden'; did you mean 'model.recurrence.hidden'?"),
    ("hidden=1024", "unknown path 'hidden'; did you mean 'model.recurrence.hidden'?"),
    ("penalties.0.strenght=1", "unknown path 'penalties.0.strenght'; did you mean 'penalties.0.strength'"),
    ("learning_rate=1", "'stages.0.training.learning_rate' or 'stages.1.training.learning_rate'?"),
    ("stages.0.name.x=1", "unknown path 'stages.0.name.x'"),
    ("zzz=1", "unknown path 'zzz'"),
    ("a..b=1", "unknown path 'a..b'"),
    ("stages.2.start=rewind", "'stages' is a list of 2; expected a number from 0 to 1, got '2'"),
    ("stages.-1.start=rewind", "'stages' is a list of 2; expected a number from 0 to 1, got '-1'"),
    ("stages.sparse.start=rewind", "'stages' is a list of 2; expected a number from 0 to 1, got 'sparse'"),
    ("stages.0=continue", "stages.0: Input should be an object, got 'continue'"),
    (
        "stages.1.pruning.sparsity=0.4",
        """'stages.1.pruning' is null; set the whole of it, such as stages.1.pruning={"sparsity": 0.4}""",
    ),
    ("stages.1.start", "expected path=value, such as stages.0.training.epochs=5, got 'stages.1.start'"),
    ("=3", "expected path=value"),
    ("stages.0.training.epochs=0", "stages.0.training.epochs: Input should be greater than 0, got 0"),
    ("stages.0.training.optimizer.betas=[0.1]", "stages.0.training.optimizer.betas.1: Field required"),
    ("stages.0.training={}", "stages.0.training.batch_size: Field required"),
    ('model.recurrence={"kind": "elman"}', "model.recurrence.hidden: Field required"),
    ('masks.0.pattern={"kind": "dense", "radius": 2}', "masks.0.pattern.radius: Extra inputs are not permitted"),
    ("stages.0.start=rewind", "stages: the first stage, 'sparse', has no earlier weights"),
    ("stages.1.name=null", "stages.1.name: Input should be a valid string"),
    ("stages.1.name=a=b", "stages.1.name: String should match pattern"),
    ("stages.1.name=sparse", "stages: each needs its own name, but sparse stands twice"),
    ("stages.0.training.learning_rate=NaN", "stages.0.training.learning_rate: Input should be a finite number"),
    ("stages.0.training.learning_rate=1e999", "stages.0.training.learning_rate: Input should be a finite number"),
    ("stages.0.training.epochs=2.5", "stages.0.training.epochs: Input should be a valid integer"),
    # what pydantic would turn without a word
    ("stages.0.training.epochs=true", "stages.0.training.epochs: expected a number, got a truth value true"),
    ('stages.0.training.epochs="1"', 'stages.0.training.epochs: expected a number, got a text "1"'),
    ("model.recurrence.bias=1", "model.recurrence.bias: expected a truth value, got a number 1"),
    ("model.recurrence.bias=yes", 'model.recurrence.bias: expected a truth value, got a text "yes"'),
    ("task.held_out=true", "task.held_out: expected a number, got a truth value true"),
    ('stages.1.pruning={"sparsity": true}', "stages.1.pruning.sparsity: expected a number, got a truth value true"),
    ('masks.1.pattern.sheet=[3, "3"]', 'masks.1.pattern.sheet.1: expected a number, got a text "3"'),
    # kinds
    ("stages.0.training.optimizer.kind=sdg", "stages.0.training.optimizer.kind: expected one of adam, adamw, sgd"),
    ("stages.0.training.optimizer.kind=3", "stages.0.training.optimizer.kind: expected one of adam, adamw, sgd, got 3"),
    ("task.kind=ading", "task.kind: no task 'ading' is installed. Did you mean 'adding'?"),
    (
        "masks.1.pattern.kind=dense",
        "'dense' has no place for sheet=[3, 3], radius=1.5 of 'locality'; set the whole, such as masks.1.pattern=",
    ),
    ("kind=sgd", "unknown path 'kind'; did you mean 'task.kind'"),
    # text that is no text
    ('penalties.0.parameter="\\ud800"', ""),
    ("penalties=" + 300 * "[" + 300 * "]", "recursion limit"),
    ("penalties=" + 10**5 * "[", "a value is nested too deeply"),
    ("stages.0.training.epochs=" + 5000 * "9", "stages.0.training.epochs: "),
    ("stages." + 5000 * "9" + ".start=rewind", "'stages' is a list of 2"),
]


@pytest.mark.parametrize(("setting", "said"), MISTAKES, ids=lambda part: part[:40])
def test_a_mistake_is_told_with_its_path(setting, said):
    with pytest.raises(ValueError) as told:
        override(FULL, [setting])
    assert str(told.value).startswith("set: ") and said in str(told.value)
    assert "\n" not in str(told.value) and len(str(told.value)) < 400 + 2 * len(setting)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["task.steps=6", " task.steps =6"], "set: 'task.steps' is set twice"),
        (['stages.1.pruning={"sparsity": 1}', "stages.1.pruning.ranking=global"], "overlap; set both in one value"),
        (["stages.1.pruning.ranking=global", 'stages.1.pruning={"sparsity": 1}'], "overlap; set both in one value"),
    ],
)
def test_a_place_is_set_once(settings, said):
    with pytest.raises(ValueError, match=r"^set: ") as told:
        override(FULL, settings)
    assert said in str(told.value)


def test_paths_that_begin_alike_do_not_overlap():
    assert override(FULL, ["task.steps=6", "task.held_out=7"]).task == Adding(steps=6, held_out=7)


# Any path and any text


def places(data, before=()):
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for name, part in items:
        yield ".".join(map(str, (*before, name))), part
        yield from places(part, (*before, name))


PLACES = sorted(places(dump(FULL)), key=lambda place: place[0])


@given(st.sampled_from(PLACES), st.integers(0, 5))
def test_a_field_set_to_its_value_changes_nothing(place, seed):
    path, value = place
    same = override(FULL, [f"{path}={json.dumps(value)}"])
    assert same == FULL and same.key(seed) == FULL.key(seed)


@given(st.sets(st.sampled_from([path for path, value in PLACES if not isinstance(value, dict | list)])))
def test_many_fields_set_to_their_values_change_nothing(chosen):
    assert override(FULL, [f"{path}={json.dumps(dict(PLACES)[path])}" for path in sorted(chosen)]) == FULL


@given(st.floats(min_value=1e-300, max_value=1e300))
def test_a_number_arrives_with_all_its_bits(value):
    assert override(FULL, [f"penalties.0.strength={value!r}"]).penalties[0].strength == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=5), part, max_size=3),
)
PATHS = st.sampled_from([path for path, _ in PLACES]) | st.text(alphabet="task.01-kind", max_size=12) | st.text()
TEXTS = st.text() | JSON.map(json.dumps) | st.text(alphabet='{}[]",:0.e+-_', max_size=8)
SETTINGS = st.text() | st.tuples(PATHS, TEXTS).map("=".join)


@given(st.lists(SETTINGS, min_size=1, max_size=3))
def test_garbage_is_a_value_error_or_an_experiment(settings):
    try:
        experiment = override(FULL, settings)
    except ValueError as error:
        assert str(error).startswith("set: ")
    else:
        assert Experiment.model_validate_json(experiment.model_dump_json()) == experiment


# Tables


def table_of(*cells, **changes) -> Table:
    fields = {
        "name": "paper/table",
        "scale": "smoke",
        "title": "A title",
        "source": "A paper",
        "metric": "Error",
        "unit": "units",
        "better": "lower",
        "seeds": (0, 1),
        "cells": cells,
    }
    return Table(**fields | changes)


def dense(**changes) -> Experiment:
    return FULL.model_copy(update={"stages": (Stage(name="dense", training=TRAINING),), **changes})


def test_a_table_takes_a_setting_where_its_path_is():
    table = table_of(
        Cell("dense", "A", dense(), "dense", "mse", Published(1.0)),
        Cell("sparse", "A", FULL, "sparse", "mse"),
        Cell("lottery", "A", FULL, "lottery", "mse"),
        remarks=lambda summary: ["a remark"],
    )
    settings = ["stages.1.training.epochs=9", "stages.0.pruning.sparsity=0.25"]
    changed = override_table(table, settings)
    assert changed.title == "A title [set: stages.1.training.epochs=9, stages.0.pruning.sparsity=0.25]"
    assert [cell.experiment for cell in changed.cells] == [dense(), *2 * [override(FULL, settings)]]
    assert replace(changed, title=table.title, cells=table.cells) == table, "all else is kept"
    assert [replace(new, experiment=old.experiment) for new, old in zip(changed.cells, table.cells, strict=True)] == [
        *table.cells
    ]
    assert override_table(table, []) is table


@pytest.mark.parametrize("name", papers.TABLES)
def test_the_tables_of_the_papers_take_settings(name):
    table = papers.table(name, "smoke")
    changed = override_table(table, ["stages.0.training.batch_size=3", "stages.0.training.clip_norm=7"])
    assert len(changed.jobs()) == len(table.jobs())
    for cell in changed.cells:
        training = cell.experiment.stages[0].training
        assert (training.batch_size, training.clip_norm) == (3, 7)
    assert not {job.key for job in changed.jobs()} & {job.key for job in table.jobs()}


def strengths() -> Table:
    def at(strength):
        return dense(penalties=(Penalty(parameter="*weight_hh*", regularizer=Moduli(), strength=strength),))

    return table_of(
        Cell("1", "Torus", at(1), "dense", "mse"),
        Cell("2", "Torus", at(2), "dense", "mse"),
        Cell("1", "No reg.", dense(penalties=()), "dense", "mse"),
        Cell("2", "No reg.", dense(penalties=()), "dense", "mse"),
    )


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("penalties.0.strength=3", "set: penalties.0.strength=3 makes one experiment of two that paper/table tells"),
        ("penalties.0.strength=3", "apart: 1, Torus and 2, Torus"),
        ("penalties.0.strength=2", "apart: 1, Torus and 2, Torus"),
        ("penalties=[]", "apart: 1, Torus and 2, Torus"),
        ("stages.0.name=other", "leaves no stage 'dense', which 1, Torus of paper/table shows; there would be other"),
        ("penalties.1.strength=3", "'penalties' is a list of 1; expected 0, got '1'"),
        ("penalties.0.regularizer.powr=3", "did you mean 'penalties.0.regularizer.power'"),
        ("power=3", "unknown path 'power'; did you mean 'penalties.0.regularizer.power'?"),
        ("stages.0.training.epochs=0", "stages.0.training.epochs: Input should be greater than 0, got 0 (1, Torus)"),
        ("stages.0.pruning.sparsity=0", "'stages.0.pruning' is null"),
    ],
)
def test_what_a_table_refuses(setting, said):
    with pytest.raises(ValueError, match=r"^set: ") as told:
        override_table(strengths(), [setting])
    assert said in str(told.value)


def test_cells_that_shared_an_experiment_still_do():
    changed = override_table(strengths(), ["model.recurrence.hidden=4"])
    assert changed.cells[2].experiment == changed.cells[3].experiment
    assert len(changed.jobs()) == len(strengths().jobs()) == 6
