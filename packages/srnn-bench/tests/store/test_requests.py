"""The requests of a store: recorded, read back, merged, and absent in older and read-only stores."""

import sqlite3
from contextlib import closing

import pytest

from srnn_bench import BenchError, Store
from srnn_bench.experiment import RequestedExperiment, RequestedTable
from srnn_bench.store import PublishedRuns

TABLE = RequestedTable(name="moduli/table1", scale="quick", seeds=(0, 1), settings=("model.recurrence.hidden=5",))


def tables_of(store):
    with closing(sqlite3.connect(store.path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def test_a_store_has_no_requests_before_the_first_one(store):
    assert store.requests() == []
    assert tables_of(store) == {"runs"}, "an older srnn-bench made the same file"
    store.add_requests([TABLE])
    assert tables_of(store) == {"runs", "requests"}


def test_requests_come_back_in_the_order_in_which_they_were_made_first(store, tiny):
    own = RequestedExperiment(name="mine", seeds=(3,), grid={"task.steps": 5, "a.b": [1, None]}, experiment=tiny())
    store.add_requests([own, TABLE])
    store.add_requests([TABLE, own])
    assert store.requests() == [own, TABLE]
    assert Store(store.folder).requests() == [own, TABLE]


def test_the_seeds_of_equal_requests_are_added(store):
    store.add_requests([TABLE, TABLE.model_copy(update={"seeds": (7, 1)})])
    other = TABLE.model_copy(update={"settings": ()})
    store.add_requests([other])
    assert store.requests() == [TABLE.model_copy(update={"seeds": (0, 1, 7)}), other]


def test_changes_and_settings_of_a_request(tiny):
    grid = {"model.recurrence.hidden": 6, "stages.0.name": "a b"}
    own = RequestedExperiment(name="mine", seeds=(), settings=("task.steps=5",), grid=grid, experiment=tiny())
    assert own.changes == "task.steps=5, hidden=6, name=a b"
    assert own.all_settings == ("task.steps=5", "model.recurrence.hidden=6", 'stages.0.name="a b"')
    assert (TABLE.model_copy(update={"settings": ()}).changes, TABLE.all_settings) == ("", TABLE.settings)


@pytest.mark.parametrize("column", ["request", "seeds"])
@pytest.mark.parametrize("damage", ["{}", "[", "nonsense", '{"kind": "other"}'])
def test_a_damaged_request_is_left_out_with_a_note_that_names_the_store(store, column, damage):
    store.add_requests([TABLE])
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute(f"UPDATE requests SET {column} = ?", (damage,))
        connection.commit()
    notes: list[str] = []
    assert store.requests(notes.append) == []
    assert len(notes) == 1 and "results.sqlite: a request cannot be read" in notes[0]


def test_published_runs_cannot_record_requests(tmp_path):
    published = PublishedRuns(tmp_path)
    assert published.requests() == []
    with pytest.raises(BenchError, match="can only be read"):
        published.add_requests([TABLE])


def test_a_request_that_the_installed_packages_cannot_read_is_left_out_with_a_note(store, tiny):
    own = RequestedExperiment(name="mine", seeds=(3,), experiment=tiny())
    store.add_requests([own, TABLE])
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE requests SET request = replace(request, '\"adding\"', '\"uninstalled\"')")
    notes: list[str] = []
    assert store.requests(notes.append) == [TABLE]
    assert len(notes) == 1 and "uninstalled" in notes[0] and "results.sqlite" in notes[0]
