"""The store: what goes in comes out, also for another process and after a change of mind."""

import sqlite3
from contextlib import closing

import pytest

from srnn_bench import Store, run


@pytest.fixture
def result(tiny):
    return run(tiny(), seed=3, device="cpu")


def test_a_result_comes_out_as_it_went_in(tmp_path, result):
    store = Store(tmp_path / "deep" / "results")
    assert store.get(result.key) is None
    store.put(result)
    assert store.get(result.key) == result
    assert list(Store(tmp_path / "deep" / "results")) == [result]
    assert store.seeds() == [3]


def test_a_later_result_takes_the_place_of_the_earlier(tmp_path, result):
    store = Store(tmp_path)
    later = result.model_copy(update={"seconds": 0.0})
    store.put(result)
    store.put(later)
    assert list(store) == [later]


def test_a_failed_result_takes_the_place_of_a_failed_one_only(tmp_path, result):
    store = Store(tmp_path)
    failed = result.model_copy(update={"status": "failed", "reason": "first", "stages": ()})
    again = failed.model_copy(update={"reason": "second"})
    for put, held in ((failed, failed), (again, again), (result, result), (failed, result)):
        store.put(put)
        assert list(store) == [held]


@pytest.mark.parametrize("kind", ["file", "folder", "garbage"])
def test_a_place_that_cannot_hold_a_store_is_named(tmp_path, kind):
    place = tmp_path / "results"
    if kind == "file":
        place.write_text("x")
    elif kind == "folder":
        (place / "results.sqlite").mkdir(parents=True)
    else:
        place.mkdir()
        (place / "results.sqlite").write_text("no database" * 100)
    with pytest.raises(ValueError, match=str(place)):
        Store(place)


def test_rows_are_json_and_never_pickles(tmp_path, result):
    Store(tmp_path).put(result)
    with closing(sqlite3.connect(tmp_path / "results.sqlite")) as connection:
        ((text,),) = connection.execute("SELECT result FROM results").fetchall()
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert text == result.model_dump_json()


def test_a_row_that_cannot_be_read_is_named(tmp_path, result):
    store = Store(tmp_path)
    store.put(result)
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE results SET result = replace(result, 'adding', 'no_such_task')")
    with pytest.raises(ValueError, match=f"(?s)result {result.key} cannot be read.*no_such_task"):
        store.get(result.key)
