"""Trackers: events sent by hand, and what they wrote, read back."""

import json
import re
import sys
import time
import types
from pathlib import Path

import pytest

from srnn_bench import Conditions, Epoch, EpochEnd, Result, StageResult
from srnn_bench.experiment import Job
from srnn_bench.sweep import Broadcast, TensorBoard, Watcher, tracker
from srnn_bench.training import describe

DOCS = Path(__file__).parents[4] / "docs" / "trackers.md"


@pytest.fixture
def job(tiny) -> Job:
    return Job(tiny(), 3, "paper/table 90 % sparse, Torus: seed 3")


def epoch_of(step) -> Epoch:
    return Epoch(loss=1 / step, penalty=0.1 * step, density=1 - 0.1 * step)


def result_of(job, *names, status="done", reason=None) -> Result:
    return Result(
        key=job.key,
        experiment=job.experiment,
        seed=job.seed,
        status=status,
        reason=reason,
        stages=[
            StageResult(
                name=name,
                metrics={"mse": 0.5 + number, "accuracy": 0.25},
                densities={},
                history=(),
                steps=6,
                step_ms=1.0,
                peak_memory_mb=None,
            )
            for number, name in enumerate(names)
        ],
        environment=describe("adding", Conditions("cpu")),
        seconds=1.0,
    )


def send(watcher, job, steps) -> None:
    """Send the ends of epochs, numbered over both stages of three epochs each."""
    for step in steps:
        stage, number = ("sparse", step) if step <= 3 else ("lottery", step - 3)
        watcher.epoch(job, EpochEnd(job.seed, stage, number, 3, epoch_of(step)))


# Broadcast


class Recorder(Watcher):
    def __init__(self, events, name, fails=""):
        self.events, self.name, self.fails = events, name, fails

    def __getattribute__(self, method):
        if method not in ("reused", "begun", "epoch", "note", "ended", "close"):
            return super().__getattribute__(method)

        def record(*arguments):
            self.events.append((self.name, method, *arguments))
            if method == self.fails:
                raise RuntimeError(f"{self.name} fails")

        return record


METHODS = {"reused": 3, "begun": 1, "epoch": 2, "note": 1, "ended": 2, "close": 0}


@pytest.mark.parametrize(("method", "arguments"), METHODS.items())
def test_events_are_passed_on_in_order(method, arguments):
    events = []
    broadcast = Broadcast([Recorder(events, "a"), Recorder(events, "b")])
    getattr(broadcast, method)(*range(arguments))
    order = "ba" if method == "close" else "ab"
    assert events == [(name, method, *range(arguments)) for name in order]
    assert getattr(Watcher(), method)(*range(arguments)) is None


def test_no_method_is_forgotten():
    assert {name for name in vars(Watcher) if not name.startswith("_")} == {*METHODS}
    assert {name for name in vars(Broadcast) if not name.startswith("_")} == {*METHODS}


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ("note", "close")])
def test_a_watcher_that_raises_is_closed_and_dropped(method):
    events = []
    broadcast = Broadcast([Recorder(events, "a"), Recorder(events, "b", fails=method), Recorder(events, "c")])
    for _ in range(2):
        getattr(broadcast, method)(*range(METHODS[method]))
    said = "Recorder was dropped after it raised RuntimeError: b fails"
    assert [(name, verb) for name, verb, *_ in events] == [
        *[("a", method), ("b", method), ("a", "note"), ("c", "note"), ("b", "close"), ("c", method)],
        *[("a", method), ("c", method)],
    ]
    assert ("a", "note", said) in events


def test_all_watchers_are_closed_if_some_fail():
    events = []
    watchers = [Recorder(events, "a"), Recorder(events, "b", fails="close"), Recorder(events, "c", fails="close")]
    Broadcast(watchers).close()
    assert [(name, verb) for name, verb, *_ in events] == [
        *[("c", "close"), ("a", "note"), ("b", "note")],
        *[("b", "close"), ("a", "note"), ("a", "close")],
    ]


def test_the_error_of_the_last_remaining_watcher_is_raised():
    with pytest.raises(RuntimeError, match="a fails"):
        Broadcast([Recorder([], "a", fails="epoch")]).epoch(*range(2))


# TensorBoard


def logged(folder) -> dict[str, list[tuple[int, float]]]:
    """Return the scalars (step, value) that TensorBoard shows of a log folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    accumulator.Reload()
    return {
        tag: [(event.step, event.value) for event in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]
    }


def texts(folder) -> dict[str, list[str]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return {
        tag.partition("/")[0]: [event.tensor_proto.string_val[0].decode() for event in accumulator.Tensors(tag)]
        for tag in accumulator.Tags()["tensors"]
    }


@pytest.fixture
def tensorboard(tmp_path) -> TensorBoard:
    pytest.importorskip("tensorboard", reason="the extra [tensorboard] is not installed")
    return TensorBoard(tmp_path)


def test_tensorboard_shows_what_was_told(tensorboard, job, tmp_path):
    tensorboard.begun(job)
    send(tensorboard, job, range(1, 7))
    tensorboard.ended(job, result_of(job, "sparse", "lottery"))
    (folder,) = (tmp_path / "tensorboard").iterdir()
    assert folder.name == f"paper-table-90-sparse-Torus-seed-3-{job.key[:8]}"
    scalars = logged(folder)
    for name in ("loss", "penalty", "density"):
        for stage, steps in (("sparse", (1, 2, 3)), ("lottery", (4, 5, 6))):
            expected = [(step, pytest.approx(getattr(epoch_of(step), name), rel=1e-6)) for step in steps]
            assert scalars.pop(f"{stage}/{name}") == expected
    assert scalars == {
        "sparse/metric/mse": [(3, 0.5)],
        "sparse/metric/accuracy": [(3, 0.25)],
        "lottery/metric/mse": [(6, 1.5)],
        "lottery/metric/accuracy": [(6, 0.25)],
    }
    written = texts(folder)
    assert json.loads(written["experiment"][0]) == job.experiment.model_dump(mode="json")
    assert all(line.startswith("    ") for line in written["experiment"][0].splitlines())
    assert (written["seed"], written["end"]) == (["3"], ["done"])


def next_second() -> None:
    """Wait: tensorboard puts the seconds into the names of its files, and reads them in the order of these."""
    time.sleep(1.01 - time.time() % 1)


@pytest.mark.parametrize("again", [(3, 4, 5, 6), (1, 2, 3, 4, 5, 6)], ids=["resumes", "restarts"])
def test_tensorboard_shows_each_epoch_of_a_broken_off_run_once(tensorboard, job, tmp_path, again):
    tensorboard.begun(job)
    for step in (1, 2, 3, 4):
        stage, number = ("sparse", step) if step <= 3 else ("lottery", step - 3)
        tensorboard.epoch(job, EpochEnd(job.seed, stage, number, 3, Epoch(loss=100, penalty=100, density=1)))
    tensorboard.close()
    next_second()
    other = TensorBoard(tmp_path)
    other.begun(job)
    send(other, job, again)
    other.ended(job, result_of(job, "sparse", "lottery"))
    scalars = logged(other.folder_of(job))
    steps = [step for stage in ("sparse", "lottery") for step, _ in scalars[f"{stage}/loss"]]
    losses = [loss for stage in ("sparse", "lottery") for _, loss in scalars[f"{stage}/loss"]]
    assert steps == [1, 2, 3, 4, 5, 6]
    assert losses == pytest.approx([100 if step < again[0] else 1 / step for step in steps])
    assert scalars["lottery/metric/mse"] == [(6, 1.5)]


@pytest.mark.parametrize("begun", [True, False], ids=["begun again", "not begun again"])
def test_tensorboard_shows_each_epoch_once_when_a_worker_was_lost(tensorboard, job, begun):
    tensorboard.begun(job)
    send(tensorboard, job, (1, 2, 3, 4))
    next_second()
    if begun:
        tensorboard.begun(job)
    send(tensorboard, job, (2, 3, 4, 5, 6))
    tensorboard.ended(job, result_of(job, "sparse", "lottery"))
    scalars = logged(tensorboard.folder_of(job))
    assert [step for step, _ in scalars["sparse/loss"]] == [1, 2, 3]
    assert [step for step, _ in scalars["lottery/loss"]] == [4, 5, 6]


def test_tensorboard_says_how_a_run_ended_that_did_not_begin_to_train(tensorboard, job):
    tensorboard.begun(job)
    tensorboard.ended(job, result_of(job, status="failed", reason="ValueError: no"))
    assert logged(tensorboard.folder_of(job)) == {}
    assert texts(tensorboard.folder_of(job))["end"] == ["failed: ValueError: no"]


def test_tensorboard_keeps_runs_apart(tensorboard, tiny):
    jobs = [Job(tiny(), seed, "same label") for seed in (0, 1)]
    for one in jobs:
        tensorboard.begun(one)
    for step in (1, 2, 3):
        for one in jobs:
            epoch = Epoch(loss=one.seed, penalty=0, density=1)
            tensorboard.epoch(one, EpochEnd(one.seed, "sparse", step, 3, epoch))
    tensorboard.ended(jobs[0], result_of(jobs[0], "sparse"))
    tensorboard.reused(jobs[1], result_of(jobs[1], "sparse"), None)  # another process was first
    for one in jobs:
        assert logged(tensorboard.folder_of(one))["sparse/loss"] == [(step, one.seed) for step in (1, 2, 3)]


def test_a_label_cannot_leave_the_folder(tensorboard, tiny, tmp_path):
    for label in ("../../x", "..", "", "/", "é" * 500, "a" * 500):
        folder = tensorboard.folder_of(Job(tiny(), 0, label))
        assert folder.parent == tmp_path / "tensorboard" and len(folder.name) <= 109
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", folder.name)


def test_without_tensorboard_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ValueError, match=r"pip install 'srnn-bench\[tensorboard\]'"):
        tracker("tensorboard", tmp_path)


# Trackers by name


MINE = """
from srnn_bench import Watcher

class Mine(Watcher):
    class Inner(Watcher):
        pass

class Lacking:
    def epoch(self, *arguments): ...
    close = None

class Needs(Watcher):
    def __init__(self, folder): ...

def make():
    return Mine()

constant = 3
"""


@pytest.fixture
def mine(tmp_path, monkeypatch) -> str:
    """Return the name of a module in a folder on the path."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine_of_test.py").write_text(MINE)
    (tmp_path / "broken_of_test.py").write_text("import nowhere_to_be_found")
    yield "mine_of_test"
    for name in ("mine_of_test", "broken_of_test"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(("name", "cls"), [("Mine", "Mine"), ("make", "Mine"), ("Mine.Inner", "Inner")])
def test_a_tracker_of_the_users_own(mine, tmp_path, name, cls):
    assert type(tracker(f"{mine}:{name}", tmp_path)).__name__ == cls


def test_tensorboard_is_a_tracker(tensorboard, tmp_path):
    assert isinstance(tracker("tensorboard", tmp_path), TensorBoard)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tensorbord", "no tracker 'tensorbord' is installed. Did you mean 'tensorboard'?"),
        ("wandb", "no tracker 'wandb' is installed. Known: tensorboard"),
        ("", "no tracker '' is installed"),
        (":", "no tracker ':' is installed"),
        ("mine_of_test:", "no tracker 'mine_of_test:' is installed"),
        ("no_such_module:x", "tracker 'no_such_module:x' is broken: ModuleNotFoundError"),
        ("broken_of_test:x", "is broken: ModuleNotFoundError: No module named 'nowhere_to_be"),
        ("mine_of_test:Mien", "has no attribute 'Mien'. Did you mean 'Mine'?"),
        ("mine_of_test:Mine.Iner", "has no attribute 'Iner'. Did you mean 'Inner'?"),
        ("mine_of_test:constant", "expected a class or a function that returns a watcher, got 3"),
        ("mine_of_test:Needs", "mine_of_test:Needs() failed: TypeError: "),
        (
            "mine_of_test:Lacking",
            "expected a watcher, got Lacking, which lacks reused, begun, note, ended, close; srnn_bench.Watcher is",
        ),
    ],
)
def test_a_name_that_is_no_tracker(mine, tmp_path, name, said):
    with pytest.raises(ValueError) as error:
        tracker(name, tmp_path)
    assert str(error.value).startswith("track: ") and said in str(error.value)


# The trackers of the docs, as printed


def from_docs(name):
    """Return the class of that name which the docs print."""
    (block,) = [
        found for found in re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.S) if f"class {name}" in found
    ]
    namespace = {}
    exec(compile(block, str(DOCS), "exec"), namespace)
    return namespace[name]


def test_the_docs_tell_of_every_method():
    for method in METHODS:
        assert f"| `{method}(" in DOCS.read_text()


class FakeRun:
    def __init__(self):
        self.logged, self.exit_code = [], None

    def log(self, values):
        assert self.exit_code is None, "nothing is logged after the end"
        self.logged.append(values)

    def finish(self, *, exit_code):
        self.exit_code = exit_code


def test_the_wandb_tracker_of_the_docs(monkeypatch, job, tiny):
    begun = []

    def init(*, project, id, name, config, resume, reinit):
        assert (project, resume, reinit) == ("srnn", "allow", "create_new")
        begun.append((id, name, config, FakeRun()))
        return begun[-1][-1]

    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace(init=init))
    watcher = from_docs("WandB")()
    other = Job(tiny(), 4, "other")
    for one in (job, other, job):
        watcher.begun(one)
    send(watcher, job, range(1, 7))
    watcher.ended(job, result_of(job, "sparse", "lottery"))
    watcher.ended(other, result_of(other, status="diverged", reason="loss is nan"))
    watcher.close()
    (key, name, config, run), (_, _, _, diverged) = begun
    assert (key, name, config["seed"]) == (job.key, job.label, 3)
    assert json.loads(json.dumps(config))["stages"][0]["training"]["epochs"] == 3
    *epochs, sparse, lottery = run.logged
    stages = 3 * ["sparse"] + 3 * ["lottery"]
    assert epochs == [
        {f"{stage}/{name}": value for name, value in epoch_of(step).numbers.items()}
        for step, stage in enumerate(stages, start=1)
    ]
    assert sparse == {"sparse/metric/mse": 0.5, "sparse/metric/accuracy": 0.25}
    assert lottery == {"lottery/metric/mse": 1.5, "lottery/metric/accuracy": 0.25}
    assert (run.exit_code, diverged.exit_code) == (0, 1)


def test_the_mlflow_tracker_of_the_docs(monkeypatch, job, tiny, tmp_path):
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file:{tmp_path / 'mlruns'}")
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    watcher = from_docs("MLflow")()
    other = Job(tiny(), 4, "other")
    for one in (job, other, job):
        watcher.begun(one)
    send(watcher, job, range(1, 7))
    watcher.ended(job, result_of(job, "sparse", "lottery"))
    watcher.ended(other, result_of(other, status="failed", reason="ValueError: no"))
    watcher.close()
    runs = {(path.parent / "tags" / "key").read_text(): path.parent for path in tmp_path.glob("mlruns/0/*/meta.yaml")}
    assert {*runs} == {job.key, other.key}
    metrics = {}
    for path in (runs[job.key] / "metrics").rglob("*"):
        if path.is_file():  # a line: time, value, step
            lines = [line.split() for line in path.read_text().splitlines()]
            metrics[path.relative_to(runs[job.key] / "metrics").as_posix()] = [
                (int(step), float(value)) for _, value, step, *_ in lines
            ]
    for name in ("loss", "penalty", "density"):
        assert metrics.pop(f"sparse/{name}") == [(step, getattr(epoch_of(step), name)) for step in (1, 2, 3)]
        assert metrics.pop(f"lottery/{name}") == [(step, getattr(epoch_of(step + 3), name)) for step in (1, 2, 3)]
    assert metrics.pop("sparse/metric/mse") == [(0, 0.5)] and metrics.pop("lottery/metric/mse") == [(0, 1.5)]
    assert {*metrics} == {"sparse/metric/accuracy", "lottery/metric/accuracy"}
    written = json.loads((runs[job.key] / "artifacts" / "experiment.json").read_text())
    assert written == job.experiment.model_dump(mode="json")
    statuses = {key: re.search(r"status: (\d)", (run / "meta.yaml").read_text())[1] for key, run in runs.items()}
    assert statuses == {job.key: "3", other.key: "4"}, "finished and failed, as MLflow numbers them"
