"""The store: what goes in comes out, also for another process; each run is made by one; the dead are told apart."""

import hashlib
import json
import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing

import pytest

from srnn_bench import Conditions, DiskError, Job, Store, run
from srnn_bench.experiment import RunOutput
from srnn_bench.store import Session


@pytest.fixture
def result(tiny):
    return run(tiny(), seed=3, conditions=Conditions("cpu"))


def jobs(experiment, number=3):
    return [Job(experiment, seed, f"seed {seed}") for seed in range(number)]


def result_of(job, result, **changes):
    """Return a result of that run, made up from another's."""
    return result.model_copy(update={"key": job.key, "experiment": job.experiment, "seed": job.seed} | changes)


def leased(store, seconds):
    """Return the same store with leases that end after `seconds` without a heartbeat."""
    other = Store(store.folder)
    other.lease = seconds
    return other


def change(store, statement, *values):
    """Change the file behind the store's back."""
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        assert connection.execute(statement, values).rowcount > 0


def rows(store, query):
    with closing(sqlite3.connect(store.path)) as connection:
        return connection.execute(query).fetchall()


# --- results ----------------------------------------------------------------------------------------------------------


def test_a_result_comes_out_as_it_went_in(tmp_path, result):
    store = Store(tmp_path / "deep" / "results")
    assert store.get(result.key) is None
    store.put(result)
    assert store.get(result.key) == result
    assert list(Store(tmp_path / "deep" / "results")) == [result]
    assert store.keys() == {result.key: 3}
    assert store.statuses() == {"done": 1}


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
    diverged = result.model_copy(update={"status": "diverged", "reason": "loss is inf", "stages": ()})
    for put, held in (
        *((failed, failed), (again, again), (diverged, diverged), (failed, diverged)),
        *((result, result), (failed, result), (diverged, diverged)),
    ):
        store.put(put)
        assert list(store) == [held]
        assert store.statuses() == {held.status: 1}


def test_texts_that_are_no_unicode_are_written_so_that_they_can_be_read(tmp_path, result):
    """As file names are in the text of an OSError."""
    store = Store(tmp_path)
    failed = result.model_copy(update={"status": "failed", "reason": "no file a\udce4\x00\U0001f600"})
    store.put(failed, label="\ud800")
    assert store.get(result.key).reason == "no file a\\udce4\x00\U0001f600"


def test_a_seed_that_the_file_cannot_hold_is_refused(tmp_path, tiny, result):
    with pytest.raises(ValueError, match=f"seed: expected an integer that fits into 64 bits, got {2**63}"):
        Store(tmp_path).put(result.model_copy(update={"seed": 2**63}))
    with Session(Store(tmp_path)) as session, pytest.raises(ValueError, match="seed: expected"):
        session.plan([Job(tiny(), -(2**63) - 1, "x")])
    with Session(Store(tmp_path)) as session:
        job = Job(tiny(), 2**63 - 1, "x")
        assert session.claim([job]) == [job]


# --- the file ---------------------------------------------------------------------------------------------------------


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
    with pytest.raises(ValueError, match=re.escape(str(place))):
        Store(place)


@pytest.mark.parametrize(("version", "table"), [(2, "runs"), (0, "results"), (99, None)])
def test_a_store_of_another_version_is_refused_and_left_alone(tmp_path, version, table):
    path = tmp_path / "results.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"PRAGMA user_version={version}")
        if table:
            connection.execute(f"CREATE TABLE {table} (x)")
    with pytest.raises(
        ValueError, match=rf"{re.escape(str(path))}: expected a store of version 1, got version {version}"
    ):
        Store(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == ([(table,)] if table else [])


def test_many_may_make_the_same_store_at_once(tmp_path):
    errors = []
    for number in range(30):
        ready = threading.Barrier(8)

        def make(folder=tmp_path / str(number), ready=ready):
            ready.wait()
            try:
                Store(folder)
            except ValueError as error:
                errors.append(error)

        threads = [threading.Thread(target=make) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []


def test_a_row_is_plain_text_and_numbers_and_json(tmp_path, result):
    store = Store(tmp_path)
    store.put(result, label="a label")
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",), "no file beside it has results"
        connection.row_factory = sqlite3.Row
        (row,) = map(dict, connection.execute("SELECT * FROM runs"))
    assert {type(value) for value in row.values()} <= {str, int, float, type(None)}
    assert row["label"] == "a label"
    assert json.loads(row["experiment"]) == result.experiment.model_dump(mode="json")
    assert json.loads(row["environment"]) == result.environment.model_dump(mode="json")
    assert json.loads(row["stages"]) == [stage.model_dump(mode="json") for stage in result.stages]
    assert (row["key"], row["seed"], row["status"], row["seconds"]) == (result.key, 3, "done", result.seconds)


def test_a_status_is_one_of_five(tmp_path, result):
    store = Store(tmp_path)
    store.put(result)
    with closing(sqlite3.connect(store.path)) as connection, pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        connection.execute("UPDATE runs SET status = 'well'")


COLUMNS = ("key", "seed", "status", "experiment", "seconds", "reason", "stages", "environment")  # in the checksum


@pytest.mark.parametrize("part", [*COLUMNS, "checksum"])
def test_a_row_that_was_changed_is_named_and_never_read(tmp_path, result, part):
    store = Store(tmp_path)
    store.put(result)
    value = {"seed": 4, "seconds": 1e9, "status": "diverged", "reason": "why"}.get(part, "{}")
    change(store, f"UPDATE runs SET {part} = ?", value)
    key = value if part == "key" else result.key
    message = rf"{re.escape(str(store.path))}: run {re.escape(key)} cannot be read: its checksum does not match"
    for read in (lambda: store.get(key), lambda: list(store), store.keys):
        with pytest.raises(ValueError, match=message):
            read()


def test_a_change_with_the_right_checksum_is_seen_by_the_key(tmp_path, result):
    """A result of another experiment under this key: it would fill the wrong cell of a table."""
    store = Store(tmp_path)
    store.put(result.model_copy(update={"seed": 4}))
    with pytest.raises(ValueError, match=f"run {result.key} cannot be read: its experiment and seed have another key"):
        store.get(result.key)


def test_a_task_that_is_not_installed_is_named(tmp_path, result):
    store = Store(tmp_path)
    store.put(result)
    change(store, "UPDATE runs SET experiment = replace(experiment, 'adding', 'no_such_task')")
    with closing(sqlite3.connect(store.path)) as connection:
        connection.row_factory = sqlite3.Row
        row = dict(connection.execute("SELECT * FROM runs").fetchone())
    checksum = hashlib.sha256(json.dumps([row[name] for name in COLUMNS]).encode()).hexdigest()
    change(store, "UPDATE runs SET checksum = ?", checksum)
    with pytest.raises(
        ValueError, match=rf"(?s)run {result.key} cannot be read by .*plug-in of its task removed.*no_such_task"
    ):
        store.get(result.key)


# --- plans and claims -------------------------------------------------------------------------------------------------


def test_what_is_planned_is_pending_and_what_is_known_stays(tmp_path, tiny, result):
    store, todo = Store(tmp_path), jobs(tiny(), 4)
    store.put(result)
    with Session(store) as session:
        session.plan(todo)
        assert store.statuses() == {"pending": 3, "done": 1}
        assert list(store) == [result]
        assert store.get(todo[0].key) is None
        assert set(store.keys().values()) == {3}, "a run that is wanted is no run that was made"
        session.plan(todo)
    assert store.statuses() == {"pending": 3, "done": 1}
    assert rows(store, "SELECT label FROM runs WHERE seed = 0") == [("seed 0",)]


def test_a_run_that_an_older_version_planned_can_be_read_when_a_newer_has_made_it(tmp_path, tiny, result):
    """A field that is new since then stands in the text of the result, not in that of the plan; the key is the same."""
    store, (job,) = Store(tmp_path), jobs(tiny(), 1)
    with Session(store) as session:
        session.plan([job])
        older = json.loads(rows(store, "SELECT experiment FROM runs")[0][0])
        del older["signs"]
        change(store, "UPDATE runs SET experiment = ?", json.dumps(older))
        session.claim([job])
        session.finish([(job, RunOutput(result_of(job, result), {}))])
    assert store.get(job.key) == result_of(job, result)
    assert len(list(Store(tmp_path))) == 1


def test_a_run_is_claimed_once_and_given_back_at_the_end(tmp_path, tiny, result):
    store, todo = Store(tmp_path), jobs(tiny())
    with Session(store) as one, Session(store) as other:
        assert one.claim(todo[:2]) == todo[:2]
        assert one.claim(todo[:2]) == []
        assert other.claim(todo) == todo[2:]
        assert store.statuses() == {"running": 3}
        assert one.finish([(todo[0], RunOutput(result_of(todo[0], result), {}))]) == [True]
        assert store.statuses() == {"running": 2, "done": 1}
        assert other.look() == ({todo[0].key}, set())
        assert other.claim(todo) == []
        assert not other.idle()
    assert store.statuses() == {"pending": 2, "done": 1}
    assert rows(store, "SELECT DISTINCT owner, heartbeat FROM runs") == [(None, None)]
    with Session(store) as third:
        assert third.look() == (set(), {job.key for job in todo})
        assert third.claim(todo[1:]) == todo[1:]
        assert third.finish([(job, RunOutput(result_of(job, result), {})) for job in todo[1:]]) == [True, True]
        assert third.idle()


def test_what_ended_before_a_session_began_may_be_made_again_by_it_once(tmp_path, tiny, result):
    store, (job,) = Store(tmp_path), jobs(tiny(), 1)
    store.put(result_of(job, result))
    with Session(store) as one, Session(store) as other:
        assert one.claim([job]) == [job]
        assert store.get(job.key) == result_of(job, result), "the old result stays until the new one is there"
        assert other.claim([job]) == []
        new = result_of(job, result, seconds=1.0)
        assert one.finish([(job, RunOutput(new, {}))]) == [True]
        assert other.claim([job]) == [], "it was made since this session began"
        assert store.get(job.key) == new


def test_a_failed_run_that_is_tried_again_is_running_and_then_pending(tmp_path, tiny, result):
    store, (job,) = Store(tmp_path), jobs(tiny(), 1)
    store.put(result_of(job, result, status="failed", reason="x", stages=()))
    with Session(store) as waiting:
        with Session(store) as session:
            assert session.claim([job]) == [job]
            assert store.statuses() == {"running": 1}
            assert store.get(job.key) is None
        assert store.statuses() == {"pending": 1}
        assert waiting.look() == (set(), {job.key})


def test_what_a_later_session_gave_back_has_not_ended(tmp_path, tiny, result):
    """A run that failed while we wait for it, and was then begun and left by a third session: nothing to take over."""
    store, (job,) = Store(tmp_path), jobs(tiny(), 1)
    with Session(store) as waiting:
        store.put(result_of(job, result, status="failed", reason="x", stages=()))
        assert waiting.look() == ({job.key}, set())
        with Session(store) as third:
            assert third.claim([job]) == [job]
            assert waiting.look() == (set(), set())
        assert waiting.look() == (set(), {job.key})
        assert waiting.claim([job]) == [job]


def test_threads_claim_each_run_once(tmp_path, tiny):
    store, todo = Store(tmp_path), jobs(tiny(), 60)
    taken, ready = [], threading.Barrier(6)

    def claim():
        with Session(Store(tmp_path)) as session:
            ready.wait()
            for job in todo:
                taken.extend(session.claim([job]))
            ready.wait()

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(job.key for job in taken) == dict.fromkeys((job.key for job in todo), 1)
    assert store.statuses() == {"pending": 60}


CLAIM = """
import sys
from srnn_bench import Experiment, Job, Store
from srnn_bench.store import Session

jobs = [Job(Experiment.model_validate_json(sys.argv[1]), seed, "x") for seed in range(int(sys.argv[3]))]
with Session(Store(sys.argv[2])) as session:
    print("ready", flush=True)
    sys.stdin.readline()
    print(*[job.seed for one in jobs for job in session.claim([one])], flush=True)
    sys.stdin.readline()
"""


def claimers(tiny, store, number, todo=1):
    command = [sys.executable, "-c", CLAIM, tiny().model_dump_json(), str(store.folder), str(todo)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(number)
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    return started


def proceed(process):
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.slow
def test_processes_claim_each_run_once(tmp_path, tiny):
    store = Store(tmp_path)
    started = claimers(tiny, store, 3, todo=60)
    for process in started:
        proceed(process)
    taken = [process.stdout.readline().split() for process in started]
    assert store.statuses() == {"running": 60}
    for process in started:
        process.communicate("\n")
    assert Counter(int(seed) for seeds in taken for seed in seeds) == dict.fromkeys(range(60), 1)
    assert store.statuses() == {"pending": 60}


# --- the living and the dead ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="whether a process is there cannot be told")
def test_a_process_of_this_machine_that_died_is_seen_at_once(tmp_path, tiny):
    store, (job,) = Store(tmp_path), jobs(tiny(), 1)
    (process,) = claimers(tiny, store, 1)
    proceed(process)
    assert process.stdout.readline() == "0\n"
    with Session(leased(store, 1e9)) as session:
        assert session.claim([job]) == []
        process.kill()
        process.communicate()
        assert store.statuses() == {"running": 1}
        assert session.look() == (set(), {job.key})
        assert session.claim([job]) == [job]


def test_a_session_that_is_silent_for_its_lease_is_taken_over_and_one_that_beats_is_not(tmp_path, tiny, result):
    store, (job,) = Store(tmp_path), jobs(tiny(), 1)
    with Session(leased(store, 0.5)) as beating, Session(leased(store, 0.5)) as other:
        assert beating.claim([job]) == [job]
        for _ in range(10):
            time.sleep(0.15)
            assert other.claim([job]) == []
    # a session with a very long lease has a very long time between heartbeats, as if its machine slept
    with Session(leased(store, 1e9)) as silent, Session(leased(store, 0.5)) as other:
        assert silent.claim([job]) == [job]
        until = time.monotonic() + 30
        while other.claim([job]) != [job]:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert silent.finish([(job, RunOutput(result_of(job, result, seconds=1.0), {}))]) == [False]
        assert store.get(job.key) is None
        assert other.finish([(job, RunOutput(result_of(job, result, seconds=2.0), {}))]) == [True]
        assert silent.finish([(job, RunOutput(result_of(job, result, seconds=3.0), {}))]) == [False]
        assert store.get(job.key).seconds == 2.0
    assert store.statuses() == {"done": 1}


def test_a_session_that_was_taken_over_gives_nothing_back(tmp_path, tiny):
    store, (job,) = Store(tmp_path), jobs(tiny(), 1)
    with Session(leased(store, 1e9)) as other, Session(store) as silent:
        silent.claim([job])
        change(store, "UPDATE runs SET heartbeat = 0")
        with Session(leased(store, 10.0)) as third:
            assert third.claim([job]) == [job]
            silent.__exit__(None, None, None)
            assert store.statuses() == {"running": 1}
            assert other.claim([job]) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("heartbeat", None),
        ("heartbeat", 1e12),
        ("heartbeat", "soon"),
        ("owner", b"\xff"),
        ("owner", 7),
        ("owner", f"nobody/{2**70}/x"),
    ],
)
def test_a_claim_that_makes_no_sense_holds_nobody_up(tmp_path, tiny, column, value):
    """A heartbeat that is to come would hold up for ever: the clock was set back, or the row is damaged."""
    import socket

    store, (job,) = Store(tmp_path), jobs(tiny(), 1)
    with Session(store) as session, Session(store) as other:
        session.claim([job])
        value = value.replace("nobody", socket.gethostname()) if isinstance(value, str) else value
        change(store, f"UPDATE runs SET {column} = ?", value)
        assert other.claim([job]) == ([] if value == 7 else [job])
        other.look()


@pytest.mark.parametrize("owner", ["", "x", "x/y/z", "a/b/c/1/x", "////", f"elsewhere/{2**70}/x", "7"])
def test_a_strange_owner_counts_as_one_elsewhere_until_the_lease_is_over(tmp_path, tiny, owner):
    store, (job,) = Store(tmp_path), jobs(tiny(), 1)
    with Session(store) as session, Session(leased(store, 10.0)) as other:
        session.claim([job])
        change(store, "UPDATE runs SET owner = ?", owner)
        assert other.claim([job]) == []
        change(store, "UPDATE runs SET heartbeat = heartbeat - 11")
        assert other.claim([job]) == [job]


def test_a_claim_that_had_to_wait_for_others_is_as_fresh_as_any(tmp_path, tiny):
    """The heartbeat is that of the moment in which the claim is written, not of that in which it was asked for."""
    store, (job,) = Store(tmp_path), jobs(tiny(), 1)
    with Session(store) as session, closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        thread = threading.Thread(target=lambda: session.claim([job]))
        thread.start()
        time.sleep(0.5)
        free = time.time()
        other.execute("COMMIT")
        thread.join()
        ((heartbeat,),) = rows(store, "SELECT heartbeat FROM runs")
        assert heartbeat >= free


def test_a_session_begins_when_nobody_is_writing(tmp_path):
    """A result on its way into the file when we begin is seen by whoever then looks, and not made again."""
    store, begun = Store(tmp_path), []

    def begin():
        with Session(store) as session:
            begun.append(session.begun)

    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        thread = threading.Thread(target=begin)
        thread.start()
        time.sleep(0.3)
        written = time.time()
        other.execute("COMMIT")
        thread.join()
    assert begun[0] >= written


# --- a disk that is full ----------------------------------------------------------------------------------------------


def test_a_full_disk_is_told_and_leaves_the_store_as_it_was(tmp_path, tiny, result, monkeypatch):
    store, (job,) = Store(tmp_path), jobs(tiny(), 1)
    store.put(result)
    connect = sqlite3.connect

    def full(*args, **kwargs):
        connection = connect(*args, **kwargs)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")
        return connection

    long = result_of(job, result, reason="x" * 100_000)
    message = r"results.sqlite: .*full; everything written before is intact"
    with pytest.raises(DiskError, match=message), Session(store) as session:
        session.plan([job])
        assert session.claim([job]) == [job]
        monkeypatch.setattr(sqlite3, "connect", full)
        session.finish([(job, RunOutput(long, {}))])
    monkeypatch.undo()
    assert store.get(result.key) == result
    assert store.get(job.key) is None
    assert store.statuses() == {"done": 1, "pending": 1}
    with Session(store) as session:
        session.claim([job])
        assert session.finish([(job, RunOutput(long, {}))]) == [True]
    assert store.get(job.key) == long
    assert rows(store, "PRAGMA integrity_check") == [("ok",)]


def test_an_error_is_not_hidden_by_a_store_that_cannot_be_written_any_more(tmp_path, tiny):
    store = Store(tmp_path)
    with pytest.raises(KeyboardInterrupt), Session(store) as session:
        session.claim(jobs(tiny()))
        _drop(store)
        raise KeyboardInterrupt
    other = Store(tmp_path / "other")
    with pytest.raises(ValueError, match="no such table"), Session(other):
        _drop(other)


def _drop(store):
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("DROP TABLE runs")


# --- weights ----------------------------------------------------------------------------------------------------------


def weights_of(store, result):
    folder = store.folder / "weights" / result.key
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def test_weights_are_those_of_the_result(tmp_path, result):
    store = Store(tmp_path)
    store.put(result, weights={"sparse": b"1", "lottery": b"2"})
    assert weights_of(store, result) == {"sparse.safetensors": b"1", "lottery.safetensors": b"2"}
    assert store.has_weights(result)
    store.put(result.model_copy(update={"status": "failed", "reason": "x"}), weights={"sparse": b"3"})
    assert weights_of(store, result)["sparse.safetensors"] == b"1", "a failed result replaces nothing"
    store.put(result, weights={"sparse": b"4"})
    assert weights_of(store, result) == {"sparse.safetensors": b"4"}
    assert not store.has_weights(result)
    store.put(result)
    assert weights_of(store, result) == {}, "weights go with the result that they are of"
    assert list((tmp_path / "weights").iterdir()) == []


def test_a_session_that_lost_a_run_leaves_the_others_weights(tmp_path, tiny, result):
    store, job = Store(tmp_path), Job(tiny(), 3, "x")
    with Session(store) as slept:
        assert slept.claim([job]) == [job]
        change(store, "UPDATE runs SET owner = 'other/1/x' WHERE key = ?", job.key)
        store.put(result, weights={"sparse": b"theirs"})
        assert slept.finish([(job, RunOutput(result, {"sparse": b"ours"}))]) == [False]
    assert weights_of(store, result) == {"sparse.safetensors": b"theirs"}


def test_weights_half_written_by_a_dead_process_are_removed(tmp_path, result):
    store = Store(tmp_path)
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    half = tmp_path / "weights" / f".{result.key}.abc.{dead.stdout.strip()}.half"
    half.mkdir(parents=True)
    (half / "sparse.safetensors").write_bytes(b"x")
    store.put(result, weights={"sparse": b"1"})
    assert [path.name for path in (tmp_path / "weights").iterdir()] == [result.key]
