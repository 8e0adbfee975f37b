"""Experiments: round trips, keys, refusals."""

import json
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from srnn_bench import SGD, Adam, AdamW, Experiment, Masked, Penalty, Stage, Training
from srnn_bench.experiment import canonical
from srnn_manifolds import L1, Moduli, Shuffled, Torus
from srnn_masks import Bernoulli, FixedInDegree, Locality, UniformRandom
from srnn_models import ElmanRNN, PathIntegrator, SequenceModel
from srnn_pruning import OneShot, Pruning, Random
from srnn_tasks import Adding, PathIntegration, SequentialMNIST

unit = st.floats(0, 1)
optimizers = st.one_of(
    st.builds(Adam, weight_decay=unit),
    st.builds(AdamW, weight_decay=unit),
    st.builds(SGD, momentum=st.floats(0, 1, exclude_max=True), weight_decay=unit),
)
trainings = st.builds(
    Training,
    epochs=st.integers(1, 1000),
    batches=st.none() | st.integers(1, 1000),
    batch_size=st.integers(1, 1000),
    learning_rate=st.floats(1e-9, 1e9),
    optimizer=optimizers,
    clip_norm=st.none() | st.floats(1e-9, 1e9),
)
prunings = st.builds(
    Pruning,
    sparsity=unit,
    criterion=st.sampled_from([Pruning(sparsity=0).criterion, Random()]),
    schedule=st.sampled_from([Pruning(sparsity=0).schedule, OneShot()]),
    ranking=st.sampled_from(["global", "per_matrix"]),
)
regularizers = st.sampled_from([Moduli(), L1(), L1(matched=Moduli()), Shuffled(base=Moduli(manifold=Torus(dim=6)))])
patterns = st.sampled_from(
    [Locality(sheet=(2, 3), radius=1), FixedInDegree(degree=2), UniformRandom(density=0.5), Bernoulli(density=0.1)]
)
experiments = st.builds(
    Experiment,
    task=st.sampled_from([Adding(steps=7), PathIntegration(place_cells=16), SequentialMNIST()]),
    model=st.sampled_from([SequenceModel(recurrence=ElmanRNN(hidden=6)), PathIntegrator()]),
    masks=st.lists(st.builds(Masked, parameter=st.just("*"), pattern=patterns), max_size=2).map(tuple),
    penalties=st.lists(
        st.builds(Penalty, parameter=st.just("*hh*"), regularizer=regularizers, strength=unit), max_size=2
    ).map(tuple),
    stages=st.builds(
        lambda training, pruning, start: (
            Stage(name="a", training=training, pruning=pruning),
            Stage(name="b", training=training, start=start),
        ),
        trainings,
        st.none() | prunings,
        st.sampled_from(["continue", "reinitialize", "rewind"]),
    ),
)


@given(experiments)
def test_experiments_survive_a_json_round_trip(experiment):
    text = experiment.model_dump_json()
    again = Experiment.model_validate_json(text)
    assert again == experiment
    assert hash(again) == hash(experiment)
    assert again.model_dump_json() == text
    assert again.key(3) == experiment.key(3)


@given(experiments)
def test_the_canonical_form_determines_the_experiment(experiment):
    assert Experiment.model_validate_json(json.dumps(canonical(experiment))) == experiment


def test_the_canonical_form_leaves_out_defaults_but_not_kinds(tiny):
    assert canonical(tiny()) == {
        "task": {"kind": "adding", "steps": 5, "held_out": 50},
        "model": {"kind": "sequence", "recurrence": {"kind": "elman", "hidden": 6}},
        "penalties": [{"parameter": "*weight_hh*", "regularizer": {"kind": "moduli"}, "strength": 0.1}],
        "stages": [
            {
                "name": "sparse",
                "training": {"epochs": 3, "batches": 2, "batch_size": 8, "learning_rate": 0.01},
                "pruning": {"kind": "pruning", "sparsity": 0.5},
            },
            {
                "name": "lottery",
                "training": {"epochs": 3, "batches": 2, "batch_size": 8, "learning_rate": 0.01},
                "start": "reinitialize",
            },
        ],
    }


def test_a_new_field_with_a_default_changes_no_key(tiny):
    class Later(Adding):
        kind: Literal["adding"] = "adding"
        marker_noise: float = 0.0

    later = Later(steps=5, held_out=50)
    assert canonical(later) == canonical(tiny().task)
    assert canonical(Later(steps=5, held_out=50, marker_noise=0.1)) != canonical(tiny().task)


def test_the_key_is_that_of_stored_results(tiny):
    # This string must never change, because users have results stored under it.
    assert tiny().key(0) == "047dd7cf8f7c0431affa"


def test_experiments_and_seeds_have_different_keys(tiny):
    one = tiny()
    other = tiny(penalties=(Penalty(parameter="*weight_hh*", regularizer=Moduli(), strength=0.2),))
    assert len({one.key(0), one.key(1), other.key(0)}) == 3


STAGE = {"name": "a", "training": {"epochs": 3, "batch_size": 8, "learning_rate": 0.01}}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"no_such_field": 1}, "no_such_field"),
        ({"task": {"kind": "no_such_task"}}, "no_such_task"),
        ({"task": {"kind": "adding", "steps": -1}}, "steps"),
        ({"model": {"kind": "sequence", "recurrence": {"kind": "elman", "hidden": 0}}}, "hidden"),
        ({"model": {"kind": "no_such_model"}}, "model"),
        ({"masks": [{"parameter": "", "pattern": {"kind": "dense"}}]}, "parameter"),
        ({"masks": [{"parameter": "*", "pattern": {"kind": "bernoulli", "density": 1.5}}]}, "density"),
        ({"masks": [{"parameter": "*", "pattern": {"kind": "locality", "sheet": [2, 2], "radius": -1}}]}, "radius"),
        ({"penalties": [{"parameter": "*", "regularizer": {"kind": "l1"}, "strength": -0.1}]}, "strength"),
        ({"penalties": [{"parameter": "*", "regularizer": {"kind": "l1"}, "strength": float("nan")}]}, "strength"),
        ({"stages": []}, "stages"),
        ({"stages": [STAGE, STAGE]}, "stages: expected a different name for each, got a more than once"),
        ({"stages": [{**STAGE, "start": "rewind"}]}, "stages: expected start='continue' for the first stage, 'a'"),
        ({"stages": [{**STAGE, "name": "two words"}]}, "name"),
        ({"stages": [{**STAGE, "training": {**STAGE["training"], "epochs": 0}}]}, "epochs"),
        ({"stages": [{**STAGE, "training": {**STAGE["training"], "learning_rate": float("inf")}}]}, "learning_rate"),
        ({"stages": [{**STAGE, "training": {**STAGE["training"], "clip_norm": 0}}]}, "clip_norm"),
        ({"stages": [{**STAGE, "training": {**STAGE["training"], "optimizer": {"kind": "lion"}}}]}, "optimizer"),
        ({"stages": [{**STAGE, "pruning": {"sparsity": 1.5}}]}, "sparsity"),
        (
            {"stages": [{**STAGE, "pruning": {"sparsity": 0.5, "schedule": {"kind": "one_shot", "epoch": 9}}}]},
            "stages: 'a': OneShot: expected an epoch within the 3 epochs",
        ),
    ],
    ids=str,
)
def test_the_message_of_a_mistake_names_the_field(tiny, changes, field):
    with pytest.raises(ValidationError) as refused:
        Experiment.model_validate({**tiny().model_dump(), **changes})
    assert field in str(refused.value)
