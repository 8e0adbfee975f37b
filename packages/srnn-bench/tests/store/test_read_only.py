"""Stores that this user may only read are listed, reported, judged, exported and backed up, and never written."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from srnn_bench import BenchError, Conditions, Job, Store, papers, run
from srnn_bench.store import Session

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="permissions of files")

# Reads the stores of some folders as another user; everything is imported before.
READ = """
import json, os, sys
from pathlib import Path

import pandas

from srnn_bench import Store, export, judge, papers, summarise
from srnn_bench.store import backup

table = papers.table("modcog/figure2a", "smoke")
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
out, *folders = sys.argv[1:]
found = {}
for number, folder in enumerate(folders):
    store = Store(folder)
    summary = summarise(table, store)
    export(store, Path(out, f"{number}.csv"))
    backup(store, Path(out, f"{number}.sqlite"))
    found[folder] = [store.writable, dict(store.statuses()), len(list(store)), len(summary.results)]
    judge(summary)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def done():
    job = papers.table("modcog/figure2a", "smoke").jobs()[0]
    return run(job.experiment, seed=job.seed, conditions=Conditions("cpu"))


@pytest.fixture
def place():
    """Give a folder that other users may enter, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


def lock(folder):
    """Take the permission to write from a folder and its files."""
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)


def test_a_store_is_read_by_another_user(place, done):
    closed = Store(place / "closed")
    closed.put(done)
    for name in ("log", "merged"):
        shutil.copytree(closed.folder, place / name)
    killed = place / "killed"
    for folder in ("log", "merged"):  # as earlier versions left them: with a log, which a kill leaves behind
        with closing(sqlite3.connect(place / folder / "results.sqlite")) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("UPDATE runs SET label = 'changed'")
            connection.commit()
            if folder == "log":
                shutil.copytree(place / folder, killed)
    assert (killed / "results.sqlite-wal").stat().st_size > 0
    folders = [closed.folder, place / "merged", killed]
    before = {path: path.read_bytes() for folder in folders for path in folder.iterdir()}
    for folder in folders:
        lock(folder)
    out = place / "out"
    out.mkdir()
    out.chmod(0o777)
    script = [sys.executable, "-c", READ, str(out), *map(str, folders)]
    ended = subprocess.run(script, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {str(folder): [False, {"done": 1}, 1, 1] for folder in folders}
    assert len(list(out.iterdir())) == 2 * len(folders)
    assert {path: path.read_bytes() for folder in folders for path in folder.iterdir()} == before


@pytest.fixture
def refused(monkeypatch):
    """Make files unwritable for this user, also for root, to whom permissions do not apply."""
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and access(path, mode))


def test_a_read_only_store_is_not_written(tmp_path, done, refused):
    with pytest.MonkeyPatch.context() as allowed:
        allowed.setattr(os, "access", lambda *_: True)
        Store(tmp_path).put(done)
    store = Store(tmp_path)
    assert not store.writable and store.get(done.key) == done
    message = "results.sqlite: these results can only be read"
    with pytest.raises(BenchError, match=message):
        store.put(done)
    with pytest.raises(BenchError, match=message), Session(store) as session:
        session.claim([Job(done.experiment, 7, "x")])
    with pytest.raises(BenchError, match="readonly"), store.connected() as connection:
        connection.execute("DELETE FROM runs")
    assert list(store) == [done]


def test_a_read_only_file_of_something_else_is_named(tmp_path, refused):
    (tmp_path / "results.sqlite").write_text("no database" * 100)
    with pytest.raises(BenchError, match=f"{tmp_path}/results.sqlite: file is not a database"):
        Store(tmp_path)
