"""Tasks by other names: ids of environments resolve or are suggested, and typing errors get near matches."""

import pytest
from pydantic import TypeAdapter, ValidationError

from srnn_tasks import AnyTask, Cognitive, Neurogym, TaskError, find
from srnn_tasks.cognitive import BATTERIES, Rule

YANG = BATTERIES["yang20"]


@pytest.mark.parametrize("form", ["yang19.{}-v0", "yang19.{}", "srnn/{}-v0", "srnn_tasks.gym:srnn/{}-v0", "{}-v0"])
def test_ids_of_environments_of_the_same_task_resolve(form):
    other = tuple(form.format(name) for name in YANG)
    task = Cognitive(tasks=other, untrained=(other[2],))
    assert task == Cognitive(tasks=YANG, untrained=(YANG[2],)), "the same value, so the same key of a run"
    read = Cognitive.model_validate_json(f'{{"kind": "cognitive", "tasks": ["{other[3]}"]}}')
    assert read.model_dump()["tasks"] == (YANG[3],)
    assert [Rule.parse(name).name for name in other] == list(YANG)


def test_the_environment_of_gymnasium_takes_them_too():
    pytest.importorskip("gymnasium")
    from srnn_tasks.gym import CognitiveEnv

    assert CognitiveEnv("yang19.dlygo-v0").cognitive.names == ("dlygo",)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("DelayMatchSample-v0", "'dms'"),
        ("DelayMatchCategory", "'dmc'"),
        ("PerceptualDecisionMaking-v0", "'dm1'"),
        ("AntiReach", "'anti'"),
        ("delaydm1", "'dlydm1'"),
        ("fdgo", "'go'"),
        ("DlyGo-IntR", "'dlygo-intr'"),
        ("dlygointrseql", "'dlygo-intr-seql'"),
        ("multidml", "'multidm'"),
        ("yang19.dlygoo-v0", "'dlygo'"),
    ],
)
def test_a_name_like_a_task_is_answered_with_it(name, near):
    with pytest.raises(ValidationError, match=f"did you mean {near}"):
        Cognitive(tasks=(name,))


def test_a_task_of_neurogym_that_is_not_here_is_named_as_the_task_that_it_is():
    for name in ("GoNogo", "GoNogo-v0", "go_nogo"):
        with pytest.raises(ValidationError, match=r"Neurogym\(environment='GoNogo-v0'\)"):
            Cognitive(tasks=(name,))
    with pytest.raises(ValidationError, match=r"dms'\? neurogym's own is the task Neurogym\(environment='DelayMatchS"):
        Cognitive(tasks=("DelayMatchSample-v0",))


@pytest.mark.parametrize(
    ("text", "answer"),
    [("yang21", "'yang20'"), ("all_126", "'all126'"), ("dm1", r"\['dm1'\]"), ("yang19.dm1-v0", r"\['dm1'\]")],
)
def test_a_battery_that_is_none(text, answer):
    with pytest.raises(ValidationError, match=f"Did you mean {answer}"):
        Cognitive(tasks=text)


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("PathIntegration", "Did you mean 'path_integration'"),
        ("SequentialMNIST", "Did you mean 'sequential_mnist'"),
        ("sequentail_mnist", "Did you mean 'sequential_mnist'"),
        ("dm1", '"kind": "cognitive", "tasks": ["dm1"]'),
        ("yang19.dlygo-v0", '"kind": "cognitive", "tasks": ["dlygo"]'),
        ("dlygo-intx", 'Did you mean a cognitive task? {"kind": "cognitive", "tasks": ["dlygo-int'),
        ("DelayMatchSample-v0", '"kind": "neurogym", "environment": "DelayMatchSample-v0"'),
        ("GoNogo", '"kind": "neurogym", "environment": "GoNogo-v0"'),
    ],
)
def test_what_is_not_a_kind_is_answered_with_what_to_write(kind, answer):
    with pytest.raises(TaskError) as caught:
        find(kind)
    assert f"no task {kind!r} is installed" in str(caught.value) and answer in str(caught.value)
    with pytest.raises(ValidationError):
        TypeAdapter(AnyTask).validate_python({"kind": kind})


def test_a_name_like_nothing_lists_what_is_known():
    with pytest.raises(TaskError, match=r"no task 'xyzzy' is installed\. Known: adding, adroit_hammer, cognitive"):
        find("xyzzy")


def test_classes_of_neurogym_get_their_version():
    assert Neurogym(environment="GoNogo") == Neurogym(environment="GoNogo-v0")
    assert Neurogym(environment="yang19.dm1").environment == "yang19.dm1-v0"
    assert Neurogym(environment="mine/Task").environment == "mine/Task", "ids of others may have no version"
    assert Neurogym(environment="Mine").environment == "Mine"
