"""Laws that hold for every task of this package. A new task is added by one line in each table."""

import os
from importlib.metadata import entry_points
from importlib.util import find_spec

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from srnn_tasks import (
    Adding,
    AdroitHammer,
    AnyTask,
    Cognitive,
    Minari,
    Neurogym,
    PathIntegration,
    RandomAnomaly,
    SequentialMNIST,
    Task,
    TaskError,
    WikiText,
    find,
)
from srnn_tasks.cognitive import BATTERIES, Conventions, Legacy, OneTrial, Streams, Windows
from srnn_tasks.testing import check_task

NEEDS_DATA = pytest.mark.skipif("SRNN_DATA" not in os.environ, reason="SRNN_DATA is not set: no data files")

NEEDS_NEUROGYM = pytest.mark.skipif(find_spec("neurogym") is None, reason="neurogym is not installed")

NEEDS_ROBOTICS = (
    NEEDS_DATA,
    pytest.mark.skipif(
        find_spec("minari") is None or find_spec("mujoco") is None, reason="srnn-tasks[robotics] is not installed"
    ),
)

TASKS = [
    pytest.param(AdroitHammer(episodes=60, rollouts=2), id="hammer", marks=NEEDS_ROBOTICS),
    pytest.param(
        AdroitHammer(episodes=60, rollouts=0, scaling="standard", train=5), id="hammer episodes", marks=NEEDS_ROBOTICS
    ),
    pytest.param(Minari(dataset="adroit-hammer/dapg-mean-60-v0", episodes=9), id="minari", marks=NEEDS_ROBOTICS),
    pytest.param(Neurogym(steps=30, evaluation_rows=5), id="neurogym", marks=NEEDS_NEUROGYM),
    pytest.param(PathIntegration(steps=7, place_cells=64, evaluation_size=20), id="navigation"),
    pytest.param(PathIntegration(steps=3, place_cells=9, place_code="gaussian", layout_seed=None), id="drawn layout"),
    pytest.param(PathIntegration(steps=3, place_cells=9, place_code="paper", evaluation_batches=1), id="paper code"),
    pytest.param(PathIntegration(steps=3, place_cells=9, scored="last"), id="last step scored"),
    pytest.param(Adding(steps=6, held_out=1100), id="adding"),
    pytest.param(Cognitive(tasks="yang20", evaluation_trials=2), id="cognitive"),
    pytest.param(Cognitive(tasks="paper84", layout=Windows(steps=60), evaluation_trials=1), id="cognitive windows"),
    pytest.param(
        Cognitive(tasks="all126", layout=Streams(steps=20), conventions=Legacy(), rules="parts", evaluation_trials=1),
        id="cognitive streams",
    ),
    pytest.param(SequentialMNIST(), id="mnist rows", marks=NEEDS_DATA),
    pytest.param(
        SequentialMNIST(view="pixels", permutation_seed=1, scaling="standard", validation=500),
        id="mnist pixels",
        marks=NEEDS_DATA,
    ),
    pytest.param(SequentialMNIST(view="chunks"), id="mnist chunks", marks=NEEDS_DATA),
    pytest.param(RandomAnomaly(series=20, held_out=5), id="anomaly", marks=NEEDS_DATA),
    pytest.param(RandomAnomaly(series=20, side=28, held_out=5), id="anomaly, small", marks=NEEDS_DATA),
    pytest.param(
        RandomAnomaly(series=20, images=10, split="shared", held_out=5, shuffle=False),
        id="anomaly as published",
        marks=NEEDS_DATA,
    ),
    pytest.param(
        WikiText(vocabulary=30, train_tokens=3000, evaluation_tokens=1500, evaluation_rows=4, train_share=0.1),
        id="wikitext",
        marks=NEEDS_DATA,
    ),
]
IN_ORDER = {"wikitext"}  # their training batches do not depend on the generator
ON_THE_HOST = {"neurogym"}  # their trials are generated there, one at a time

counts = st.integers(1, 10**6)
positive = st.floats(1e-6, 1e6)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
VALUES = {
    "neurogym": st.builds(
        Neurogym,
        environment=st.text(min_size=1),
        arguments=st.dictionaries(st.text().filter(lambda name: name != "dt"), json_values),
        dt=st.none() | counts,
        steps=counts,
        evaluation_rows=counts,
    ),
    "path_integration": st.builds(
        PathIntegration,
        steps=counts,
        dt=positive,
        box=positive,
        place_cells=st.integers(3, 4096),
        place_width=positive,
        place_code=st.sampled_from(["reference", "gaussian", "paper"]),
        layout_seed=st.none() | st.integers(0, 2**32 - 1),
        speed_scale=positive,
        turn_sd=st.floats(0, 1e6),
        border_width=st.floats(0, 1e6),
        border_speed=st.floats(0, 1),
        batches_per_epoch=counts,
        evaluation_batches=counts,
        evaluation_size=counts,
        scored=st.sampled_from(["all", "last"]),
    ),
    "cognitive": st.builds(
        Cognitive,
        tasks=st.sampled_from(list(BATTERIES)) | st.just(("go", "dlygo-intr-seql", "go")),
        rules=st.sampled_from(["one_hot", "parts"]),
        layout=st.sampled_from([OneTrial(), Windows(steps=9), Streams()]),
        dt=st.sampled_from([20, 50, 100]),
        ring=st.integers(2, 40).map(lambda half: 2 * half),
        sigma=st.floats(0, 1e3),
        conventions=st.sampled_from([Conventions(), Legacy(), Legacy(wrap="direction")]),
        evaluation_trials=counts,
    ),
    "adroit_hammer": st.builds(
        AdroitHammer,
        expert=st.sampled_from(["mean", "noisy", "d4rl"]),
        episodes=counts,
        rollouts=st.integers(0, 10**6),
        scaling=st.sampled_from(["raw", "standard"]),
        validation=st.floats(0.01, 0.99),
        train=st.none() | counts,
    ),
    "minari": st.builds(
        Minari,
        dataset=st.from_regex(r"[a-z]{1,9}(/[a-zA-Z_-]{1,9}){0,2}-v[0-9]{1,3}", fullmatch=True),
        episodes=st.none() | counts,
        test=st.floats(0.01, 0.99),
        split_seed=st.integers(0, 2**63 - 1),
    ),
    "adding": st.builds(
        Adding,
        steps=st.integers(2, 10**6),
        epoch_sequences=counts,
        held_out=counts,
        held_out_seed=st.integers(0, 2**63 - 1),
    ),
    "sequential_mnist": st.builds(
        SequentialMNIST,
        view=st.sampled_from(["rows", "pixels"]),
        permutation_seed=st.none() | st.integers(0, 2**63 - 1),
        scaling=st.sampled_from(["unit", "standard"]),
        validation=st.integers(0, 59_999),
    ),
    "random_anomaly": st.builds(
        RandomAnomaly,
        series=counts,
        images=st.sampled_from([9, 10]),
        data_seed=st.integers(0, 2**63 - 1),
        split=st.sampled_from(["apart", "shared"]),
        held_out=counts,
        shuffle=st.booleans(),
    ),
    "wikitext": st.builds(
        WikiText,
        vocabulary=st.none() | st.integers(2, 33_278),
        steps=counts,
        evaluation_rows=st.integers(1, 1000),
        train_tokens=st.none() | st.integers(2, 2_088_628),
        evaluation_tokens=st.none() | st.integers(2000, 217_646),
    ),
}

REFUSALS = [
    ("neurogym", "environment", ""),
    ("neurogym", "dt", 0),
    ("neurogym", "steps", 0),
    ("neurogym", "evaluation_rows", 0),
    ("cognitive", "tasks", ("dlygo-intx",)),
    ("cognitive", "tasks", ("go-intr",)),
    ("cognitive", "tasks", ([1],)),
    ("cognitive", "ring", 15),
    ("cognitive", "dt", 0),
    ("cognitive", "sigma", -1.0),
    ("cognitive", "strengths", (0.3, 0.3)),
    ("cognitive", "untrained", ("dms-seqx",)),
    ("path_integration", "steps", 0),
    ("path_integration", "dt", -0.02),
    ("path_integration", "box", float("nan")),
    ("path_integration", "place_cells", 2),
    ("path_integration", "place_width", float("inf")),
    ("path_integration", "place_code", "grid"),
    ("path_integration", "layout_seed", -1),
    ("path_integration", "turn_sd", -1.0),
    ("path_integration", "border_speed", 1.5),
    ("path_integration", "evaluation_size", 0),
    ("path_integration", "scored", "first"),
    ("adroit_hammer", "expert", "human"),
    ("adroit_hammer", "episodes", 0),
    ("adroit_hammer", "rollouts", -1),
    ("adroit_hammer", "scaling", "unit"),
    ("adroit_hammer", "validation", 0.0),
    ("adroit_hammer", "train", 0),
    ("minari", "dataset", "D4RL/hammer/expert"),
    ("minari", "dataset", "../expert-v2"),
    ("minari", "test", 1.0),
    ("minari", "split_seed", -1),
    ("adding", "steps", 1),
    ("adding", "held_out", 0),
    ("adding", "lenght", 50),
    ("sequential_mnist", "view", "columns"),
    ("sequential_mnist", "permutation_seed", 2**63),
    ("sequential_mnist", "validation", 60_000),
    ("random_anomaly", "series", 0),
    ("random_anomaly", "images", 8),
    ("random_anomaly", "data_seed", -1),
    ("random_anomaly", "split", "mixed"),
    ("random_anomaly", "held_out", 0),
    ("random_anomaly", "shuffle", 1),
    ("wikitext", "vocabulary", 1),
    ("wikitext", "vocabulary", 33_279),
    ("wikitext", "steps", 0),
    ("wikitext", "evaluation_rows", 0),
    ("wikitext", "train_tokens", 1),
    ("wikitext", "train_tokens", 2_088_629),
    ("wikitext", "evaluation_tokens", 1),
    ("wikitext", "evaluation_tokens", 217_647),
    ("wikitext", "window", 35),
]


class Experiment(BaseModel, frozen=True):
    """A pydantic model with tasks, as a user of this package would write it."""

    task: AnyTask
    others: tuple[AnyTask, ...] = ()


@pytest.fixture(autouse=True)
def data_sets(request: pytest.FixtureRequest) -> None:
    """Record the data sets of the tasks that read them from Minari's folder."""
    parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    if isinstance(parameters.get("task"), AdroitHammer | Minari):
        request.getfixturevalue("recorded")


def own_kinds() -> set[str]:
    points = entry_points(group="srnn.tasks")
    return {point.name for point in points if point.dist is not None and point.dist.name == "srnn-tasks"}


def test_every_own_task_is_in_the_tables() -> None:
    assert own_kinds() == set(VALUES) == {param.values[0].kind for param in TASKS}


@pytest.mark.parametrize("task", TASKS)
def test_the_contract_holds(task: Task) -> None:
    check_task(task, seeded=task.kind not in IN_ORDER and getattr(task, "shuffle", True))


@pytest.mark.parametrize("task", TASKS)
def test_opening_and_drawing_require_a_generator(task: Task, generator: torch.Generator) -> None:
    with pytest.raises(TaskError, match=r"generator: expected a torch\.Generator; got None"):
        task.open(device="cpu", generator=None)  # type: ignore[arg-type]
    source = task.open(device="cpu", generator=generator)
    with pytest.raises(TaskError, match=r"generator: expected a torch\.Generator; got None"):
        source.batches(2, generator=None)  # type: ignore[arg-type]
    with pytest.raises(TaskError, match="size: expected at least 1 row; got 0"):
        source.batches(0, generator=generator)
    with pytest.raises(TaskError, match="split: expected one of"):
        source.evaluate(lambda *_: None, split="train", generator=generator)  # type: ignore[arg-type]


def drawn(task: Task) -> list[torch.Tensor]:
    """Return all tensors of two training batches and of a held-out batch."""
    source = task.open(device="cpu", generator=torch.Generator("cpu").manual_seed(0))
    stream = source.batches(3, generator=torch.Generator("cpu").manual_seed(1))
    held_out = next(iter(source.held_out("test", generator=torch.Generator("cpu").manual_seed(2))))
    batches = [next(stream), next(stream), held_out]
    named = [getattr(batch, name) for batch in batches for name in ("inputs", "targets", "weight", "start", "reset")]
    return [each for each in named if each is not None] + [each for batch in batches for each in batch.info.values()]


@pytest.mark.parametrize("default", [torch.float64, torch.bfloat16, "meta"])
@pytest.mark.parametrize("task", TASKS)
def test_torchs_defaults_do_not_reach_a_batch(task: Task, default: torch.dtype | str) -> None:
    expected = drawn(task)
    try:
        if isinstance(default, str):
            torch.set_default_device(default)
        else:
            torch.set_default_dtype(default)
        found = drawn(task)
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_default_device(None)
    assert [each.dtype for each in found] == [each.dtype for each in expected]
    assert all(map(torch.equal, found, expected))


@pytest.mark.parametrize("task", TASKS)
def test_a_generator_of_another_device_is_refused(task: Task, generator: torch.Generator) -> None:
    with pytest.raises(TaskError, match="expected a generator of device meta; got one of cpu"):
        task.open(device="meta", generator=generator)


@pytest.mark.parametrize("task", [param for param in TASKS if param.values[0].kind not in ON_THE_HOST])
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_batches_are_made_on_the_device_without_waiting_for_it(task: Task) -> None:
    generator = torch.Generator("cuda").manual_seed(0)
    source = task.open(device="cuda", generator=generator)
    stream = source.batches(4, generator=generator)
    next(stream)
    torch.cuda.set_sync_debug_mode("error")
    try:
        assert next(stream).inputs.is_cuda
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("kind", sorted(VALUES))
@given(data=st.data())
def test_json_and_back_is_the_same_value(kind: str, data: st.DataObject) -> None:
    task = data.draw(VALUES[kind])
    outer = Experiment(task=task, others=(task, Adding()))
    again = Experiment.model_validate_json(outer.model_dump_json())
    assert again == outer
    assert type(again.task) is find(kind)
    assert hash(again) == hash(outer)
    assert again.model_dump_json() == outer.model_dump_json()
    assert Experiment.model_validate(outer.model_dump()) == outer


@pytest.mark.parametrize(("kind", "field", "value"), REFUSALS)
def test_a_wrong_field_is_named(kind: str, field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=rf"(?m)^{field}$"):
        find(kind).model_validate({"kind": kind, field: value})
    with pytest.raises(ValidationError, match=rf"(?m)^task\.{field}$"):
        Experiment.model_validate({"task": {"kind": kind, field: value}})


@pytest.mark.parametrize("kind", sorted(VALUES))
def test_values_are_frozen_and_have_a_schema(kind: str) -> None:
    task = find(kind)()
    with pytest.raises(ValidationError, match="frozen"):
        task.kind = "other"
    schema = TypeAdapter(find(kind)).json_schema()
    assert schema["additionalProperties"] is False
    assert schema["properties"]["kind"]["const"] == kind
