"""Publishing a table: one file with its runs, in a stable order, with the histories that its readings need."""

import json
from dataclasses import dataclass, replace

import pytest

from srnn_bench import AtStep, Cell, Conditions, Experiment, Reading, Stage, Store, Table, Training, run, summarise
from srnn_bench.store import open_results
from srnn_bench.tables import publish

CPU = Conditions("cpu")


@pytest.fixture(scope="module")
def experiments(tiny) -> dict[str, Experiment]:
    """Experiments with and without evaluations while they train."""

    def stage(evaluate_every, epochs=2):
        training = Training(epochs=epochs, batches=2, batch_size=8, learning_rate=1e-2, evaluate_every=evaluate_every)
        return (Stage(name="only", training=training),)

    return {"plain": tiny(stages=stage(None)), "curve": tiny(stages=stage(1)), "other": tiny(stages=stage(None, 3))}


@pytest.fixture
def table(experiments) -> Table:
    cells = (
        Cell("b", "A", experiments["plain"], "only", "mse"),
        Cell("a", "A", experiments["curve"], "only", AtStep("mse", steps=3)),
        Cell("a", "B", experiments["curve"], "only", "mse"),
    )
    return Table("paper/table", "quick", "t", "s", "Error", "", "lower", seeds=(0, 1), cells=cells)


@pytest.fixture(scope="module")
def results(experiments):
    return {
        (name, seed): run(experiment, seed=seed, conditions=CPU)
        for name, experiment in experiments.items()
        for seed in (0, 1, 9)
    }


@pytest.fixture
def store(tmp_path, results) -> Store:
    store = Store(tmp_path / "store")
    for result in results.values():
        store.put(result, label="a label of another table")
    return store


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_runs_of_the_table_are_written_in_its_order(tmp_path, table, store):
    path, summary = publish(table, store, tmp_path / "runs")
    assert path == tmp_path / "runs" / "paper-table-quick.jsonl"
    assert (len(summary.results), summary.wanted) == (6, 6)
    assert [line["label"] for line in lines(path)] == [
        *(f"paper/table A, b, seed {seed}" for seed in (0, 1, 9)),
        *(f"paper/table A, a, seed {seed}" for seed in (0, 1, 9)),
    ]
    assert {(line["table"], line["scale"]) for line in lines(path)} == {("paper/table", "quick")}
    before = path.read_bytes()
    publish(table, store, tmp_path / "runs")
    assert path.read_bytes() == before


def test_another_seed_only_adds_lines(tmp_path, table, store, results):
    fewer = Store(tmp_path / "fewer")
    for (_, seed), result in results.items():
        if seed != 1:
            record = store.record(result.key)
            fewer.put(result, started=record.started, ended=record.ended)
    some = publish(table, fewer, tmp_path / "some")[0].read_text().splitlines()
    every = publish(table, store, tmp_path / "every")[0].read_text().splitlines()
    assert [line for line in every if line in some] == some and len(every) == len(some) + 2


def test_histories_are_those_that_a_reading_needs(tmp_path, table, store, results):
    path, _ = publish(table, store, tmp_path / "runs")
    of_label = {line["label"]: line["stages"][0] for line in lines(path)}
    assert of_label["paper/table A, b, seed 0"]["history"] == []
    history = of_label["paper/table A, a, seed 0"]["history"]
    assert [list(epoch["metrics"]) for epoch in history] == [["mse"], ["mse"]]
    true = results["curve", 0].stages[0].history
    assert [epoch["metrics"]["mse"] for epoch in history] == [epoch.metrics["mse"] for epoch in true]


@dataclass(frozen=True)
class LastLoss(Reading):
    """The training loss of the last epoch."""

    def __call__(self, stage):
        return stage.history[-1].loss

    def __str__(self):
        return "last loss"

    @property
    def reads_losses(self):
        return True


def test_losses_are_kept_where_a_reading_needs_them(tmp_path, table, store, results):
    cells = tuple(replace(cell, metric=LastLoss()) for cell in table.cells if cell.row == "b")
    path, summary = publish(replace(table, cells=cells, claims=()), store, tmp_path / "runs")
    for line in lines(path):
        history = line["stages"][0]["history"]
        (true,) = (result for result in results.values() if result.key == line["key"])
        assert [epoch["loss"] for epoch in history] == [epoch.loss for epoch in true.stages[0].history]
        assert not any(epoch.get("metrics") for epoch in history)
    again = summarise(summary.table, open_results(path.parent))
    assert {place: cell.values for place, cell in again.cells.items()} == {
        place: cell.values for place, cell in summary.cells.items()
    }


def test_the_published_runs_fill_the_table_as_the_store_does(tmp_path, table, store):
    path, summary = publish(table, store, tmp_path / "runs")
    again = summarise(table, open_results(path.parent))
    for place, cell in summary.cells.items():
        assert again.cells[place].values == cell.values and again.cells[place].densities == cell.densities
    assert publish(table, open_results(path.parent), tmp_path / "again")[0].read_bytes() == path.read_bytes()


def test_a_table_without_runs_gives_an_empty_file(tmp_path, table):
    path, summary = publish(replace(table, seeds=(5,)), Store(tmp_path / "empty"), tmp_path)
    assert path.read_text() == "" and summary.results == []
