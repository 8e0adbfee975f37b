"""Published runs: lines come back as they were written, wrong ones are named, and an import keeps what is stored."""

import gzip
import json
import re
from dataclasses import replace

import pytest

from srnn_bench import BenchError, Conditions, Store, run
from srnn_bench.store import (
    Imported,
    PublishedRuns,
    Record,
    has_results,
    import_runs,
    open_results,
    published_files,
    read_lines,
)
from srnn_bench.store import write_lines as write

START, END = 1_700_000_000.25, 1_700_000_060.5


@pytest.fixture(scope="module")
def records(tiny) -> list[Record]:
    """Runs of three seeds: done, diverged and failed."""
    done = run(tiny(), seed=3, conditions=Conditions("cpu"))
    others = [
        done.model_copy(
            update={"key": tiny().key(seed), "seed": seed, "status": status, "reason": "why ± \n", "stages": stages}
        )
        for seed, status, stages in ((4, "diverged", done.stages[:1]), (5, "failed", ()))
    ]
    return [Record(result, f"table, seed {result.seed}", START, END) for result in (done, *others)]


@pytest.fixture
def file(tmp_path, records):
    return write(tmp_path / "runs" / "paper-table-quick.jsonl", "paper/table", "quick", records)


def edited(path, number, **changes):
    """Change fields of a line."""
    lines = path.read_text().splitlines()
    lines[number] = json.dumps(json.loads(lines[number]) | changes)
    path.write_text("\n".join(lines) + "\n")


def stripped(record):
    """Return a record without its history."""
    stages = tuple(stage.model_copy(update={"history": ()}) for stage in record.result.stages)
    return replace(record, result=record.result.model_copy(update={"stages": stages}))


# --- lines ------------------------------------------------------------------------------------------------------------


def test_runs_come_back_as_they_were_written(file, records):
    runs = read_lines([file])
    assert [each.record for each in runs] == records
    assert {each.tables for each in runs} == {(("paper/table", "quick"),)}
    assert [each.where for each in runs] == [f"{file}:{number}" for number in (1, 2, 3)]


def test_a_run_by_an_engine_comes_back_with_it_and_one_by_the_loop_is_written_without(tmp_path, tiny, file):
    record = Record(run(tiny(), seed=3, conditions=Conditions("cpu", engine="dense")), "dense", START, END)
    path = write(tmp_path / "dense.jsonl", "paper/table", "quick", [record])
    (line,) = map(json.loads, path.read_text().splitlines())
    assert line["environment"]["engine"] == "dense" and line["stages"][0]["engines"] == ["dense"]
    store = Store(tmp_path / "store")
    import_runs(store, read_lines([path]))
    assert store.record(record.result.key) == record
    loop = json.loads(file.read_text().splitlines()[0])
    assert "engine" not in loop["environment"] and "engines" not in loop["stages"][0]


def test_a_file_may_be_compressed(file, tmp_path, records):
    path = write(tmp_path / "runs" / "paper-study-quick.jsonl.gz", "paper/study", "quick", records)
    assert gzip.decompress(path.read_bytes()).decode().count("\n") == len(records)
    assert [each.record for each in read_lines([path])] == records
    assert published_files(tmp_path / "runs") == [path, file] and has_results(tmp_path / "runs")
    for damaged in (path.read_bytes()[:-20], b"no gzip"):
        path.write_bytes(damaged)
        with pytest.raises(BenchError, match="expected a file of runs compressed with gzip"):
            read_lines([path])


def test_a_line_is_plain_json_with_times_in_utc(file, records):
    first, *_ = [json.loads(line) for line in file.read_text().splitlines()]
    assert first["started"] == "2023-11-14T22:13:20.250+00:00" and first["ended"] == "2023-11-14T22:14:20.500+00:00"
    assert first["stages"][0]["metrics"] == records[0].result.stages[0].metrics
    assert "evaluate_every" not in file.read_text(), "defaults are left out"


def test_unknown_times_are_null(tmp_path, records):
    unknown = Record(records[0].result, "x")
    path = write(tmp_path / "a.jsonl", "t", "smoke", [unknown])
    assert json.loads(path.read_text())["started"] is None
    assert read_lines([path])[0].record == unknown


def test_a_run_in_two_files_is_one_run_of_two_tables(tmp_path, file, records):
    other = write(tmp_path / "runs" / "other.jsonl", "paper/other", "quick", map(stripped, records[:1]))
    for paths in ([file, other], [other, file]):
        runs = read_lines(paths)
        assert sorted(each.record.result.seed for each in runs) == [3, 4, 5]
        (both,) = [each for each in runs if each.record.result.seed == 3]
        assert both.record == records[0], "with the history of the file that has it"
        assert set(both.tables) == {("paper/table", "quick"), ("paper/other", "quick")}


def test_two_files_that_disagree_on_a_run_are_named(tmp_path, file, records):
    stage, *rest = records[0].result.stages
    other = stage.model_copy(update={"metrics": {"mse": 7.0}})
    changed = replace(records[0], result=records[0].result.model_copy(update={"stages": (other, *rest)}))
    path = write(tmp_path / "b.jsonl", "paper/other", "quick", [changed])
    with pytest.raises(
        BenchError, match=re.escape(f"{path}:1: run {changed.result.key} has other numbers than in {file}:1")
    ):
        read_lines([file, path])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 30}, "expected the key .*, which its experiment and seed have, got "),
        ({"key": "x"}, "expected the key "),
        ({"status": "good"}, "status: expected .done., .diverged. or .failed., got .good."),
        ({"table": 3}, "table: "),
        ({"ended": "yesterday"}, "ended: "),
        ({"extra": 1}, "extra: unknown field"),
        ({"stages": [{"name": "x"}]}, "stages.0.metrics: expected this field, which is missing"),
        ({"seconds": float("nan")}, "seconds: expected a finite number, got nan"),
    ],
)
def test_a_wrong_line_is_named(file, changes, message):
    edited(file, 1, **changes)
    with pytest.raises(BenchError, match=f"^{re.escape(str(file))}:2: {message}"):
        read_lines([file])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{]\n", ":1: expected a run as one line of JSON"),
        (b"\n3\n", ":2: expected a run as a JSON object"),
        (b"\xff", ": expected text in UTF-8"),
    ],
)
def test_a_file_of_something_else_is_named(tmp_path, data, message):
    path = tmp_path / "x.jsonl"
    path.write_bytes(data)
    with pytest.raises(BenchError, match=f"^{re.escape(str(path))}{message}"):
        read_lines([path])
    with pytest.raises(BenchError, match="expected a file of runs as JSON lines, got: No such file"):
        read_lines([tmp_path / "none.jsonl"])


# --- a folder of lines as a store -------------------------------------------------------------------------------------


def test_a_folder_of_lines_is_read_like_a_store(file, records):
    store = open_results(file.parent)
    assert isinstance(store, PublishedRuns) and has_results(file.parent)
    assert store.tables == (("paper/table", "quick"),)
    for record in records:
        assert store.get(record.result.key) == record.result
        assert store.record(record.result.key) == record
    assert store.keys() == {record.result.key: record.result.seed for record in records}
    assert store.statuses() == {"done": 1, "diverged": 1, "failed": 1}
    assert sorted(path.name for path in file.parent.iterdir()) == [file.name], "nothing is written there"


def test_a_folder_of_lines_is_not_written(file, records):
    with pytest.raises(BenchError, match="published runs"):
        Store(file.parent)
    with pytest.raises(BenchError, match="read"):
        open_results(file.parent).put(records[0].result)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_store_is_preferred_and_an_empty_folder_refused(tmp_path, file):
    store = Store(tmp_path / "store")
    assert open_results(tmp_path / "store").path == store.path
    (tmp_path / "empty").mkdir()
    assert not has_results(tmp_path / "empty")
    with pytest.raises(BenchError, match="no results"):
        open_results(tmp_path / "empty")
    assert list((tmp_path / "empty").iterdir()) == []


# --- import -----------------------------------------------------------------------------------------------------------


def test_imported_runs_are_in_the_store_with_label_and_times(tmp_path, file, records):
    store = Store(tmp_path / "store")
    assert import_runs(store, read_lines([file])) == Imported(new=3)
    assert [store.record(record.result.key) for record in records] == records
    assert import_runs(store, read_lines([file])) == Imported(present=3)


def test_an_import_records_the_tables_as_requested(tmp_path, file, records):
    published, store = PublishedRuns(file.parent), Store(tmp_path / "store")
    import_runs(store, read_lines([file]))
    (request,), (of_folder,) = store.requests(), published.requests()
    assert (request.name, request.scale) == (of_folder.name, of_folder.scale)
    assert request.seeds == tuple(dict.fromkeys(record.result.seed for record in records))
    import_runs(store, read_lines([file]))
    assert store.requests() == [request], "the same import again adds nothing"


def test_an_import_keeps_stored_results_unless_they_failed(tmp_path, file, records):
    store = Store(tmp_path / "store")
    done, diverged, failed = (record.result for record in records)
    stored = done.model_copy(update={"status": "diverged", "reason": "loss is inf", "stages": ()})
    store.put(stored, weights={"sparse": b"weights"})
    store.put(diverged.model_copy(update={"status": "failed", "stages": ()}))
    assert import_runs(store, read_lines([file])) == Imported(new=2, different=1)
    assert (store.get(done.key), store.get(diverged.key), store.get(failed.key)) == (stored, diverged, failed)
    assert store.weights_folder(done.key).exists()
    assert import_runs(store, read_lines([file]), replace=True) == Imported(present=2, different=1)
    assert store.get(done.key) == done
    assert not store.weights_folder(done.key).exists(), "they were those of the other result"


def test_an_import_adds_the_history_that_the_store_lacks(tmp_path, file, records):
    store = Store(tmp_path / "store")
    bare = stripped(records[0])
    store.put(bare.result, weights={"sparse": b"weights"}, label="mine", started=START, ended=END)
    assert import_runs(store, read_lines([file])) == Imported(new=2, present=1)
    assert store.record(bare.result.key) == replace(records[0], label="mine")
    assert store.weights_folder(bare.result.key).exists(), "the same result keeps its weights"
