"""What is finished is in the main file of a store: a copy of it alone has every run, or is refused."""

import random
import shutil
import sqlite3
import threading
from contextlib import closing
from itertools import pairwise

import pytest

from srnn_bench import BenchError, Conditions, Job, Store, run
from srnn_bench.experiment import RunOutput
from srnn_bench.store import Session, backup

PAGE = 4096


@pytest.fixture(scope="module")
def done(tiny):
    return run(tiny(), seed=0, conditions=Conditions("cpu"))


def output_of(job, done, reason=None):
    changes = {"key": job.key, "seed": job.seed, "reason": reason}
    return RunOutput(done.model_copy(update=changes | ({"status": "diverged"} if reason else {})))


def copied(store, folder):
    """Return the store of a copy of the main file alone."""
    folder.mkdir(exist_ok=True)
    shutil.copyfile(store.path, folder / "results.sqlite")
    return Store(folder)


def use_wal(path):
    """Make a file as earlier versions left it: with a write-ahead log."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)


def test_a_copy_of_the_main_file_has_every_finished_run(tmp_path, tiny, done):
    store = Store(tmp_path / "store")
    with Session(store) as session:
        for seed in range(5):
            job = Job(tiny(), seed, "x")
            session.claim([job])
            session.finish([(job, output_of(job, done))])
            assert sorted(copied(store, tmp_path / f"copy{seed}").keys().values()) == list(range(seed + 1))
    assert [path.name for path in store.folder.iterdir()] == ["results.sqlite"]


def test_so_has_a_copy_of_a_file_that_another_process_holds_in_its_log(tmp_path, tiny, done):
    """A process of an earlier version keeps the write-ahead log open."""
    store, job = Store(tmp_path / "store"), Job(tiny(), 0, "x")
    use_wal(store.path)
    with closing(sqlite3.connect(store.path)) as earlier:
        earlier.execute("SELECT * FROM runs").fetchall()
        store = Store(tmp_path / "store")
        with Session(store) as session:
            session.claim([job])
            session.finish([(job, output_of(job, done))])
            assert store.path.with_name("results.sqlite-wal").exists()
            assert copied(store, tmp_path / "copy").statuses() == {"done": 1}
    Store(tmp_path / "store")
    assert [path.name for path in store.folder.iterdir()] == ["results.sqlite"], "the log is merged once it is free"


@pytest.mark.parametrize("wal", [False, True])
def test_a_reader_that_blocks_the_file_causes_a_note_and_nothing_is_announced_before(tmp_path, tiny, done, wal):
    store, job, notes = Store(tmp_path / "store"), Job(tiny(), 0, "x"), []
    if wal:
        use_wal(store.path)
    with closing(sqlite3.connect(store.path, isolation_level=None, check_same_thread=False)) as reader:
        reader.execute("SELECT * FROM runs").fetchall()  # keeps a write-ahead log open

        def release(text):
            notes.append(text)
            threading.Timer(1.5, lambda: reader.execute("ROLLBACK")).start()

        with Session(Store(store.folder), release) as session:
            session.claim([job])
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM runs").fetchall()
            session.finish([(job, output_of(job, done))])
            assert not reader.in_transaction, "the session waited for the reader"
            assert copied(store, tmp_path / "copy").keys() == {job.key: 0}
    assert len(notes) == 1 and "the store is locked by another program" in notes[0]


def test_a_copy_made_in_the_middle_of_a_write_lacks_no_run_or_is_refused(tmp_path, tiny, done):
    """Pages of the file before and after a change are mixed: no run that was there before is lost silently."""
    chance, store = random.Random(0), Store(tmp_path / "store")
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    keys, outcomes = [], {"refused": 0, "whole": 0}
    with Session(store) as session:
        for seed in range(60):
            job = Job(tiny(), seed, "x" * chance.choice([1, 300]))
            states = [store.path.read_bytes()]
            session.claim([job])
            states.append(store.path.read_bytes())
            session.finish([(job, output_of(job, done, "y" * chance.choice([0, 10, 9000]) or None))])
            states.append(store.path.read_bytes())
            for before, after in pairwise(states):
                places = range(0, len(after), PAGE)
                changed = [place for place in places if before[place : place + PAGE] != after[place : place + PAGE]]
                new = set(chance.sample(changed, chance.randrange(len(changed) + 1)))
                pages = [(after if place in new else before)[place : place + PAGE] for place in places]
                (mixed / "results.sqlite").write_bytes(b"".join(pages))
                try:
                    found = Store(mixed).keys()
                except BenchError as error:
                    assert str(mixed) in str(error)
                    outcomes["refused"] += 1
                else:
                    assert set(keys) <= set(found)
                    outcomes["whole"] += 1
            keys.append(job.key)
    assert min(outcomes.values()) > 5, outcomes


# --- backup -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wal", [False, True])
def test_a_backup_of_a_store_in_use_is_a_store(tmp_path, tiny, done, wal):
    store, job = Store(tmp_path / "store"), Job(tiny(), 0, "x")
    if wal:
        use_wal(store.path)
    with Session(store) as session:
        session.claim([job, Job(tiny(), 1, "y")])
        session.finish([(job, output_of(job, done))])
        (tmp_path / "copy").mkdir()
        assert backup(store, tmp_path / "copy" / "results.sqlite") == tmp_path / "copy" / "results.sqlite"
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["results.sqlite"]
    copy = Store(tmp_path / "copy")
    assert copy.statuses() == {"done": 1, "running": 1} and list(copy) == list(store)


def test_a_backup_replaces_nothing(tmp_path, done):
    store = Store(tmp_path / "store")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BenchError, match="expected a new file"):
        backup(store, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
    with pytest.raises(BenchError, match="expected a file in an existing folder"):
        backup(store, tmp_path / "none" / "file")
