"""A store of an earlier version is listed, reported, judged, exported and reused, and its checkpoints are taken up.

`data/store` and `data/store.json`, what that version read from the store, were written by `data/write_store.py` with
commit ad71c72.
"""

import csv
import json
import shutil
import sqlite3
import sys
from contextlib import closing
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from srnn_bench import (
    Conditions,
    Experiment,
    Job,
    Store,
    Watcher,
    export,
    ledger,
    override_table,
    papers,
    summarise,
    sweep,
)

DATA = Path(__file__).parent / "data"
STORED = json.loads((DATA / "store.json").read_text())
CPU = Conditions(device="cpu")


@pytest.fixture
def store(tmp_path) -> Store:
    shutil.copytree(DATA / "store", tmp_path / "results")
    return Store(tmp_path / "results")


@pytest.fixture
def srnn(monkeypatch, capsys, tmp_path):
    """Run the command `srnn` in the folder of the store and return what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (script,) = entry_points(group="console_scripts", name="srnn")
    main = script.load()

    def call(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["srnn", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        assert not end.value.code, printed.err  # stderr may have lines of progress
        return printed.out

    return call


class Recorder(Watcher):
    """A watcher that notes what it is called with."""

    def __init__(self):
        self.reuses, self.starts, self.epochs, self.notes, self.results = [], [], [], [], {}

    def reused(self, job, result, difference):
        self.reuses.append(job.key)

    def begun(self, job):
        self.starts.append(job.key)

    def epoch(self, job, end):
        self.epochs.append((end.stage, end.number))

    def note(self, text):
        self.notes.append(text)

    def ended(self, job, result):
        self.results[job.key] = result


def tables():
    for entry in STORED["tables"]:
        table = papers.table(entry["name"], entry["scale"])
        yield entry, override_table(table, entry["settings"]) if entry["settings"] else table


def rows(store):
    """Return every row of the file as it is."""
    with closing(sqlite3.connect(store.path)) as connection:
        return connection.execute("SELECT * FROM runs ORDER BY key").fetchall()


def single(store, label):
    """Return the job of a single run; the row of one without a result has its experiment too."""
    with closing(sqlite3.connect(store.path)) as connection:
        key = STORED["single"][label]
        found = connection.execute("SELECT experiment, seed, label FROM runs WHERE key = ?", (key,)).fetchone()
    job = Job(Experiment.model_validate_json(found[0]), *found[1:])
    assert (job.key, job.label) == (key, label)
    return job


def trained_now(job, tmp_path):
    """Return a new store in which a run was trained without interruption."""
    now = Store(tmp_path / "now")
    sweep([job], now, conditions=CPU, keep_weights=True, watcher=Recorder())
    return now


def test_every_run_is_read(store):
    assert dict(store.statuses()) == STORED["statuses"]
    assert store.keys() == STORED["keys"]
    results = {result.key: result for result in store}
    assert results.keys() == STORED["keys"].keys()
    for key, result in results.items():
        assert store.get(key) == result
    assert {result.environment.stacked for result in results.values()} == {1, 3}
    failed, diverged = (results[STORED["single"][label]] for label in ("failed", "diverged"))
    assert (failed.status, failed.stages) == ("failed", ()) and "no_such_parameter" in failed.reason
    assert (diverged.status, diverged.stages) == ("diverged", ()) and "nan" in diverged.reason
    assert [store.get(STORED["single"][label]) for label in ("interrupted", "killed")] == [None, None]


def test_tables_have_the_numbers_that_they_had(store):
    for entry, table in tables():
        summary = summarise(table, store)
        assert summary.done == summary.wanted
        cells = [
            {"row": row, "column": column, "values": {str(seed): value for seed, value in cell.values.items()}}
            | {"mean": cell.mean, "sd": cell.sd}
            for (row, column), cell in summary.cells.items()
        ]
        assert cells == entry["cells"]


def test_claims_are_judged_by_the_rules_of_today_on_the_numbers_that_they_had(store):
    """Verdicts depend on the rules of judgement, which have changed since; runs and estimates do not."""
    found = {(row["table"], row["claim"]): row for row in ledger([summarise(table, store) for _, table in tables()])}
    compared = 0
    for then in STORED["ledger"]:
        row = found[then["table"], then["claim"]]
        runs = [of_cell["n"] + lost["failures"] for of_cell, lost in zip(row["n"], row["failures"], strict=True)]
        assert runs == [of_cell["n"] for of_cell in then["n"]]
        if row["deciding"] == then["deciding"] and not any(lost["failures"] for lost in row["failures"]):
            assert (row["estimate"], row["effect"]) == (then["estimate"], then["effect"])
            compared += 1
    assert compared


def test_results_are_exported(store, tmp_path):
    for name, history in (("export", False), ("history", True)):
        path = export(store, tmp_path / f"{name}.csv", history=history)
        with path.open(newline="") as file:
            lines = list(csv.DictReader(file))
        assert len(lines) == STORED[name] - 1
        assert {line["key"] for line in lines} <= STORED["keys"].keys()


def test_kept_weights_are_those_that_a_run_ends_with_now(store, tmp_path):
    job = single(store, "kept")
    now = trained_now(job, tmp_path)
    for stage in ("sparse", "lottery"):
        old, new = (load_file(each.folder / "weights" / job.key / f"{stage}.safetensors") for each in (store, now))
        assert old.keys() == new.keys()
        for name, tensor in old.items():
            torch.testing.assert_close(new[name], tensor)
    old, new = store.get(job.key), now.get(job.key)
    for before, after in zip(old.stages, new.stages, strict=True):
        assert after.metrics == pytest.approx(before.metrics, rel=1e-4)
        assert (after.densities, after.present) == (before.densities, before.present)
        losses = [[epoch.loss, epoch.penalty, epoch.density] for epoch in before.history]
        for epoch, expected in zip(after.history, losses, strict=True):
            assert [epoch.loss, epoch.penalty, epoch.density] == pytest.approx(expected, rel=1e-4)


def test_a_sweep_makes_no_finished_run_again(store):
    before, recorder = rows(store), Recorder()
    jobs = [job for _, table in tables() for job in table.jobs()] + [single(store, "kept"), single(store, "diverged")]
    sweep(jobs, store, conditions=CPU, watcher=recorder)
    assert not recorder.starts
    assert set(recorder.reuses) == {job.key for job in jobs} and len(recorder.reuses) == len(jobs) == 44
    assert rows(store) == before
    sweep([single(store, "kept")], store, conditions=CPU, keep_weights=True, watcher=recorder)
    assert not recorder.starts, "its weights are there"


def test_a_failed_run_is_made_again(store):
    job, recorder = single(store, "failed"), Recorder()
    sweep([job], store, conditions=CPU, watcher=recorder)
    assert recorder.starts == [job.key] and recorder.results[job.key].status == "failed"


@pytest.mark.parametrize("label", ["interrupted", "killed"])
def test_a_checkpoint_is_continued_or_set_aside_with_a_note(store, tmp_path, label):
    """It is set aside where the machine, torch or the packages are others than those that wrote it."""
    job, recorder = single(store, label), Recorder()
    assert list((store.folder / "checkpoints" / job.key).iterdir())
    sweep([job], store, conditions=CPU, checkpoint_every=0, watcher=recorder)
    result = store.get(job.key)
    assert result.status == "done" and recorder.results == {job.key: result}
    names = [stage.name for stage in result.stages]
    assert names == ["sparse", "lottery"]
    if any(job.key in note for note in recorder.notes):
        assert recorder.epochs[0] == ("sparse", 1)
    else:
        assert recorder.epochs[0] > ("sparse", 3)
    assert recorder.epochs[-1] == ("lottery", 4)
    fresh = trained_now(job, tmp_path).get(job.key)
    for stage, expected in zip(result.stages, fresh.stages, strict=True):
        assert stage.metrics == pytest.approx(expected.metrics, rel=1e-4)
        assert stage.densities == expected.densities
        assert [epoch.loss for epoch in stage.history] == pytest.approx([e.loss for e in expected.history], rel=1e-4)
    assert not (store.folder / "checkpoints" / job.key).exists()


def test_the_command_line_reads_the_store(store, srnn, tmp_path):
    before = rows(store)
    listed = srnn("list")
    assert "moduli/table8" in listed and "modcog/figure2b" in listed
    srnn("run", "moduli/table8", "modcog/figure2b-speed", "--scale", "smoke", "--jobs", "1", "--device", "cpu")
    assert rows(store) == before
    assert "inhibitor" in srnn("report", "moduli/table8", "modcog/figure2b-speed")
    assert (tmp_path / "results" / "report.html").exists()
    (entry,) = [entry for entry in STORED["tables"] if entry["settings"]]
    settings = [part for setting in entry["settings"] for part in ("--set", setting)]
    printed = srnn("claims", entry["name"], "--scale", entry["scale"], *settings)
    claims = [row["claim"] for row in STORED["ledger"] if row["table"] == entry["name"]]
    assert claims and all(claim in printed for claim in claims)
    srnn("export", "flat.csv")
    with (tmp_path / "flat.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == STORED["export"] - 1
