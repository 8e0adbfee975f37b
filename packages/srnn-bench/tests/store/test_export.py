"""Exported files, read back by other means: the csv module and pyarrow."""

import csv
import json
import math
import os
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srnn_bench import Conditions, DiskError, Epoch, Experiment, Penalty, Result, Stage, StageResult, Training, run
from srnn_bench.store import export
from srnn_bench.training import describe
from srnn_manifolds import L1, Moduli
from srnn_models import ElmanRNN, SequenceModel
from srnn_tasks import Adding, Task

parquet = pytest.importorskip("pyarrow.parquet")

# the columns of every file, in order
RUN = ("key", "seed", "status", "reason", "stage")
MEASURED = ("steps", "step_ms", "engines", "pruning_ms", "peak_memory_mb", "seconds")
HISTORY = ("key", "seed", "stage", "epoch", "loss", "penalty", "density", "validation", "learning_rate")
ENVIRONMENT = tuple(
    f"environment.{name}"
    for name in (
        "torch",
        "python",
        "device",
        "precision",
        "threads",
        "stacked",
        "recorded",
        "commit",
        "processor",
        "engine",
    )
)
ENVIRONMENT_NOW = describe("adding", Conditions("cpu"))
EPOCH = Epoch(loss=0.1 + 0.2, penalty=1e-300, density=1 / 3)
EXPERIMENT = Experiment(
    task=Adding(steps=5),
    model=SequenceModel(recurrence=ElmanRNN(hidden=6)),
    stages=(Stage(name="sparse", training=Training(epochs=3, batches=2, batch_size=8, learning_rate=1e-2)),),
)


def stage(name, **changes) -> StageResult:
    fields = {
        "name": name,
        "metrics": {"mse": 1 / 3},
        "densities": {"recurrence.weight_hh": 0.5},
        "history": (EPOCH, EPOCH.model_copy(update={"loss": 0.1})),
        "steps": 6,
        "step_ms": 0.7,
        "peak_memory_mb": 100.25,
        "kept": {"recurrence.weight_hh": (7, 0, 11)},
        "pruning_ms": 0.25,
    }
    return StageResult(**fields | changes)


def result(experiment, seed=0, stages=(), **changes) -> Result:
    fields = {
        "key": experiment.key(seed),
        "experiment": experiment,
        "seed": seed,
        "status": "done",
        "stages": stages,
        "environment": ENVIRONMENT_NOW,
        "seconds": 1.1,
    }
    return Result(**fields | changes)


@pytest.fixture
def results(tiny) -> list[Result]:
    """Two experiments, one with fields that the other lacks; a run that ended early and one that failed at once."""
    other = tiny(penalties=(), stages=tiny().stages[:1])
    return [
        result(
            tiny(),
            0,
            (stage("sparse"), stage("lottery", metrics={"mse": 2.5, "accuracy": 1.0}, engines=("loop", "sparse"))),
        ),
        result(tiny(), 1, (stage("sparse"),), status="diverged", reason='loss is "nan",\r\nat é\rstep 3'),
        result(other, 0, (stage("sparse", densities={"readout.weight": 1.0}, peak_memory_mb=None),)),
        result(other, 12, (), status="failed", reason="ValueError: no"),
    ]


def from_csv(path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def from_parquet(path) -> list[dict]:
    return parquet.read_table(path).to_pylist()


def test_parquet_holds_a_row_of_each_run_and_stage(results, tmp_path):
    path = export(results, tmp_path / "results.parquet")
    assert path == tmp_path / "results.parquet"
    rows = {(row["key"], row["stage"]): row for row in from_parquet(path)}
    wanted = [(one.key, part) for one in results for part in one.stages or (None,)]
    assert len(rows) == len(wanted) == 5
    for key, part in wanted:
        one = next(one for one in results if one.key == key)
        row = rows[key, part.name if part else None]
        assert (row["seed"], row["status"], row["reason"], row["seconds"]) == (
            (one.seed, one.status, one.reason, one.seconds)
        )
        assert row["steps"] == (part.steps if part else None)
        assert row["step_ms"] == (part.step_ms if part else None)
        assert row["pruning_ms"] == (part.pruning_ms if part else None)
        assert row["engines"] == (("loop, sparse" if part.engines else None) if part else None)
        assert row["environment.engine"] == "loop"
        assert [row[f"kept.recurrence.weight_hh.{gate}"] for gate in range(3)] == ([7, 0, 11] if part else [None] * 3)
        assert row["peak_memory_mb"] == (part.peak_memory_mb if part else None)
        assert row["metric.mse"] == (part.metrics["mse"] if part else None)
        assert row["metric.accuracy"] == (part.metrics.get("accuracy") if part else None)
        assert row["density.recurrence.weight_hh"] == (part.densities.get("recurrence.weight_hh") if part else None)
        assert row["environment.threads"] == 1 and row["environment.torch"] == ENVIRONMENT_NOW.torch
        assert row["environment.packages.srnn-masks"] == ENVIRONMENT_NOW.packages["srnn-masks"]
        assert type(one.experiment).model_validate_json(row["experiment"]) == one.experiment
        assert row["experiment.model.recurrence.hidden"] == 6
        assert row["experiment.stages.0.pruning.sparsity"] == 0.5
        assert row["experiment.stages.0.training.optimizer.betas.1"] == 0.999
        assert row["experiment.stages.0.training.clip_norm"] is None
        assert row["experiment.penalties.0.strength"] == (0.1 if one.experiment.penalties else None)
        assert row["experiment.stages.1.start"] == ("reinitialize" if len(one.experiment.stages) == 2 else None)


def test_parquet_and_csv_hold_the_same(results, tmp_path):
    binary = from_parquet(export(results, tmp_path / "results.parquet"))
    text = from_csv(export(results, tmp_path / "results.csv"))
    assert len(binary) == len(text) == 5
    for row, written in zip(binary, text, strict=True):
        assert list(row) == list(written)
        for name, value in row.items():
            if isinstance(value, float):
                assert float(written[name]) == value
            else:
                assert written[name] == ("" if value is None else str(value))


def test_the_order_is_that_of_the_keys_and_of_the_columns_groups(results, tmp_path):
    one = export(results, tmp_path / "one.csv").read_bytes()
    assert export(iter(results[::-1]), tmp_path / "two.csv").read_bytes() == one
    rows = from_csv(tmp_path / "one.csv")
    assert [row["key"] for row in rows] == sorted(row["key"] for row in rows)
    first = [row["stage"] for row in rows if row["key"] == results[0].key]
    assert first == ["sparse", "lottery"], "stages stay in their order"
    packages = [f"environment.packages.{name}" for name in sorted(ENVIRONMENT_NOW.packages)]
    columns = [name for name in rows[0] if not name.startswith("experiment.")]
    densities = ["density.readout.weight", "density.recurrence.weight_hh"]
    kept = [f"kept.recurrence.weight_hh.{gate}" for gate in range(3)]
    measured = ["metric.accuracy", "metric.mse", *densities, *kept, *MEASURED]
    assert columns == [*RUN, *measured, *ENVIRONMENT, *packages, "experiment"]
    assert one == export(results, tmp_path / "one.csv").read_bytes(), "an earlier file is replaced"


def test_entry_10_stands_after_entry_9(tiny, tmp_path):
    stages = tuple(tiny().stages[0].model_copy(update={"name": f"s{number}"}) for number in range(11))
    (row,) = from_csv(export([result(tiny(stages=stages))], tmp_path / "a.csv"))
    names = [name for name in row if name.endswith(".name")]
    assert names == [f"experiment.stages.{number}.name" for number in range(11)]


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5),
    st.integers(-(2**63), 2**63 - 1),
)
def test_numbers_keep_all_their_bits(tmp_path_factory, values, seed):
    folder = tmp_path_factory.getbasetemp()
    found = result(EXPERIMENT, seed, (stage("sparse", metrics={str(n): value for n, value in enumerate(values)}),))
    (binary,) = from_parquet(export([found], folder / "bits.parquet"))
    (text,) = from_csv(export([found], folder / "bits.csv"))
    assert binary["seed"] == int(text["seed"]) == seed
    for number, value in enumerate(values):
        for read in (binary[f"metric.{number}"], float(text[f"metric.{number}"])):
            assert (read, math.copysign(1, read)) == (value, math.copysign(1, value))


def test_pandas_reads_the_same_numbers(results, tmp_path):
    import pandas

    binary = pandas.read_parquet(export(results, tmp_path / "a.parquet"))
    old = {} if pandas.__version__ >= "3.1" else {"float_precision": "round_trip"}
    text = pandas.read_csv(export(results, tmp_path / "a.csv"), **old)
    assert binary["seed"].dtype == "Int64" and binary["metric.mse"].dtype == "Float64"
    assert [*binary["metric.mse"].dropna()] == [*text["metric.mse"].dropna()]
    assert (binary["steps"].isna() == text["steps"].isna()).all() and binary["steps"].isna().sum() == 1


class Odd(Task):
    """A task, as of a plug-in, with a field of any type."""

    kind: Literal["odd"] = "odd"
    level: Any

    def open(self, *, device, generator):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("levels", "written"),
    [
        ([1, 2.5], [1.0, 2.5]),
        ([1, None, 2], [1, None, 2]),
        ([True, False], [True, False]),
        ([1, True], ["1", "true"]),
        (["peak", 12.5, None], ['"peak"', "12.5", None]),
        (["a", {}, [3.5]], ["a", None, None]),  # the list is a column of its own, level.0
        ([12.5, [3.5]], [12.5, None]),
        ([2**53 + 1, 0.5], [str(2**53 + 1), "0.5"]),
        ([2**63, 1], [str(2**63), "1"]),
    ],
)
def test_a_column_of_several_types_holds_the_json_of_each(tiny, tmp_path, levels, written):
    found = [result(tiny(task=Odd(level=level))) for level in levels]
    name = "experiment.task.level"
    rows = {row["key"]: row for row in from_parquet(export(found, tmp_path / "a.parquet"))}
    assert [rows[one.key][name] for one in found] == written
    if [3.5] in levels:
        assert [rows[one.key][f"{name}.0"] for one in found] == [3.5 if level == [3.5] else None for level in levels]
    rows = {row["key"]: row for row in from_csv(export(found, tmp_path / "a.csv"))}
    assert [rows[one.key][name] for one in found] == ["" if value is None else str(value) for value in written]


def test_a_value_in_one_experiment_and_a_list_or_nothing_in_another(tiny, tmp_path):
    sparse, _ = tiny().stages
    dense = sparse.model_copy(update={"pruning": None})
    matched = Penalty(parameter="*weight_hh*", regularizer=L1(matched=Moduli()), strength=1)
    found = [result(tiny(stages=(dense,))), result(tiny(stages=(sparse,), penalties=(matched,)))]
    rows = {row["key"]: row for row in from_parquet(export(found, tmp_path / "a.parquet"))}
    assert rows[found[0].key]["experiment.stages.0.pruning.sparsity"] is None
    assert rows[found[1].key]["experiment.stages.0.pruning.sparsity"] == 0.5
    assert rows[found[1].key]["experiment.penalties.0.regularizer.matched.kind"] == "moduli"


def optional(value):
    """Return a number that may be missing: an empty field, or what a file of columns has in its place."""
    return None if value in ("", None) or value != value else float(value)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_history_has_a_row_of_each_epoch(results, tmp_path, suffix):
    path = export(results, tmp_path / f"history.{suffix}", history=True)
    rows = from_parquet(path) if suffix == "parquet" else from_csv(path)
    expected = [
        (one.key, one.seed, part.name, number, epoch.loss, epoch.penalty, epoch.density, None, None)
        for one in sorted(results, key=lambda one: one.key)
        for part in one.stages
        for number, epoch in enumerate(part.history, start=1)
    ]
    assert list(rows[0]) == [
        "key",
        "seed",
        "stage",
        "epoch",
        "loss",
        "penalty",
        "density",
        "validation",
        "learning_rate",
    ]
    types = (str, int, str, int, float, float, float, optional, optional)
    read = [tuple(kind(value) for kind, value in zip(types, row.values(), strict=True)) for row in rows]
    assert read == expected and len(read) == 8


@pytest.mark.parametrize("history", [False, True])
def test_no_result_is_a_file_with_the_columns_that_all_have(tmp_path, history):
    columns = [*HISTORY] if history else [*RUN, *MEASURED, *ENVIRONMENT, "experiment"]
    table = parquet.read_table(export([], tmp_path / "none.parquet", history=history))
    assert table.num_rows == 0 and table.column_names == columns
    text = export([], tmp_path / "none.csv", history=history).read_text(encoding="utf-8")
    assert text.splitlines() == [",".join(columns)]


def test_a_measure_that_no_run_has_keeps_its_type(tiny, tmp_path):
    found = [result(tiny(), 0, (stage("sparse", peak_memory_mb=None),))]
    table = parquet.read_table(export(found, tmp_path / "a.parquet"))
    assert str(table.schema.field("peak_memory_mb").type) == "double"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("results.xlsx", "expected a file name that ends in .parquet or .csv, got "),
        ("results", "expected a file name that ends in .parquet or .csv, got "),
        ("results.csv.gz", "expected a file name that ends in .parquet or .csv, got "),
        ("folder.csv", "expected a file, got the folder "),
        ("folder.parquet", "expected a file, got the folder "),
        ("nowhere/a.csv", "expected a file in an existing folder, got "),
        ("file.txt/a.csv", "expected a file in an existing folder, got "),
        ("file.txt/a.parquet", "expected a file in an existing folder, got "),
    ],
)
def test_a_place_that_cannot_be_written_is_named(results, tmp_path, name, said):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "folder.parquet").mkdir()
    (tmp_path / "file.txt").write_text("mine")
    with pytest.raises(ValueError) as error:
        export(results, tmp_path / name)
    assert f"export: {said}{tmp_path / name}" in str(error.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.txt", "folder.csv", "folder.parquet"]


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_write_that_breaks_off_leaves_the_earlier_file(results, tmp_path, monkeypatch, suffix):
    path = export(results, tmp_path / f"a.{suffix}")
    before = path.read_bytes()

    def full(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError, match="No space left on device"):
        export(results[:1], path)
    assert path.read_bytes() == before and [*tmp_path.iterdir()] == [path]


def test_the_experiment_column_is_json(results, tmp_path):
    for row in from_csv(export(results, tmp_path / "a.csv")):
        assert json.loads(row["experiment"])["task"]["kind"] == "adding"


def test_history_has_the_validation_metrics_of_the_epochs_that_were_evaluated(tmp_path, tiny):
    training = Training(epochs=3, batches=2, batch_size=8, learning_rate=1e-2, evaluate_every=2)
    result = run(tiny(stages=(Stage(name="one", training=training),)), seed=0, conditions=Conditions("cpu"))
    rows = from_parquet(export([result], tmp_path / "history.parquet", history=True))
    assert [row["metric.mse"] for row in rows] == [
        None,
        *(each.metrics["mse"] for each in result.stages[0].history[1:]),
    ]
    (row,) = from_parquet(export([result], tmp_path / "results.parquet"))
    assert row["present.recurrence.weight_hh"] == result.stages[0].present["recurrence.weight_hh"]


@pytest.mark.parametrize("history", [False, True])
def test_places_are_columns_to_group_by(tmp_path, history):
    """A stage that two cells show has two rows each time; one that nothing shows has empty columns."""
    key, other = EXPERIMENT.key(0), EXPERIMENT.key(1)
    shown = [{"table": "a/b", "row": "r", "column": name, "grid.task.steps": 5} for name in ("A", "B")]
    places = {(key, "sparse"): [*shown, {"label": "mine", "grid.b": [1, 2]}], (other, None): [{"table": "unused"}]}
    runs = [result(EXPERIMENT, seed, (stage("sparse"),)) for seed in (0, 1)]
    table = parquet.read_table(export(runs, tmp_path / "flat.parquet", history=history, places=places)).to_pylist()
    names = ["table", "scale", "set", "row", "column", "label", "grid.b", "grid.task.steps"]
    assert [name for name in table[0] if name in names] == names
    epochs = 2 if history else 1
    assert len([row for row in table if row["key"] == key]) == 3 * epochs
    found = {tuple(row[name] for name in names) for row in table if row["key"] == key}
    assert found == {
        ("a/b", None, None, "r", "A", None, None, 5),
        ("a/b", None, None, "r", "B", None, None, 5),
        (None, None, None, None, None, "mine", "[1, 2]", None),
    }
    assert {tuple(row[name] for name in names) for row in table if row["key"] == other} == {(None,) * len(names)}
