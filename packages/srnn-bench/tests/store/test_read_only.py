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

# Calls the command line several times: first as the user of the test, which imports everything, then as another user.
COMMANDS = """
import json, os, sys
from srnn_bench.cli import main

def call(*arguments):
    sys.argv = ["srnn", *arguments]
    try:
        main()
    except SystemExit as end:
        return end.code or 0

def commands(results, out):
    os.chdir(out)
    return {
        "list": call("list", "--state", "--results", results),
        "report": call("report", "modcog/figure2a", "--scale", "smoke", "--no-figures", "--results", results),
        "claims": call("claims", "modcog/figure2a", "--scale", "smoke", "--results", results),
        "export": call("export", "flat.csv", "--results", results),
        "backup": call("backup", "backup.sqlite", "--results", results),
    }

writable, read_only, out, codes = sys.argv[1:]
commands(writable, out + "/mine")
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
with open(codes, "w") as file:
    json.dump(commands(read_only, out + "/other"), file)
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


@pytest.mark.parametrize("left", ["closed", "log", "closed log"])
def test_every_command_that_reads_works_for_another_user(place, done, left):
    store = Store(place / "store")
    store.put(done)
    shutil.copytree(place / "store", place / "writable")
    open_by_another = sqlite3.connect(store.path)  # as earlier versions did: a log, which a kill leaves behind
    with closing(open_by_another):
        if left != "closed":
            open_by_another.execute("PRAGMA journal_mode=WAL")
            open_by_another.execute("UPDATE runs SET owner = NULL")
            open_by_another.commit()
        if left == "log":
            shutil.copytree(store.folder, place / "killed")
    folder = place / "killed" if left == "log" else store.folder
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert ("results.sqlite-wal" in before) == (left == "log")
    lock(folder)
    for name in ("mine", "other"):
        (place / name).mkdir()
        (place / name).chmod(0o777)
    place.chmod(0o777)
    script = [sys.executable, "-c", COMMANDS, str(place / "writable"), str(folder), str(place), str(place / "codes")]
    ended = subprocess.run(script, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    codes = json.loads((place / "codes").read_text())
    assert codes == dict.fromkeys(("list", "report", "claims", "export", "backup"), 0), ended.stderr
    assert "1 done" in ended.stdout
    assert {path.name for path in (place / "other").iterdir()} == {"report.html", "flat.csv", "backup.sqlite"}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


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
