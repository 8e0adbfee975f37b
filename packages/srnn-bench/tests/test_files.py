"""Atomic file writes, as checkpoints use them: a process that dies, partial files, a full disk."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from srnn_bench import DiskError
from srnn_bench.training import Checkpoints

KILLED = """
import os
import signal
import sys
from pathlib import Path

from srnn_bench.training import Checkpoints

die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)

class Half:
    def __init__(self, file): self.file = file
    def __enter__(self): return self
    def __exit__(self, *_): self.file.close()
    def write(self, data):
        self.file.write(data[:len(data) // 2])
        self.file.flush()
        die()

def write_and_die(folder, where):
    checkpoints = Checkpoints(folder, "identity")
    checkpoints.write({"number": 1})
    checkpoints.write({"number": 2})
    opened, unlink = Path.open, Path.unlink
    if where == "write":
        Path.open = lambda self, mode: Half(opened(self, mode))
    elif where == "fsync":
        os.fsync = die
    elif where == "replace":
        Path.replace = die
    else:
        Path.unlink = lambda self, missing_ok: die() if self.suffix == ".safetensors" else unlink(self, missing_ok)
    checkpoints.write({"number": 3})

for where in sys.argv[2:]:  # one child each, so that the package is imported once
    child = os.fork()
    if child == 0:
        write_and_die(Path(sys.argv[1], where), where)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
"""
STEPS = ("write", "fsync", "replace", "unlink")


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Path:
    """Return a folder with the checkpoints of one killed process per step of a write."""
    folder = tmp_path_factory.mktemp("killed")
    subprocess.run([sys.executable, "-c", KILLED, str(folder), *STEPS], timeout=300, check=True)
    return folder


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked and killed")
@pytest.mark.parametrize(
    ("step", "number", "partial"), [("write", 2, 1), ("fsync", 2, 1), ("replace", 2, 1), ("unlink", 3, 0)]
)
def test_a_process_killed_during_a_write_leaves_the_previous_checkpoint(killed, step, number, partial):
    folder = killed / step
    assert len(list(folder.glob(".*.half"))) == partial
    notes = []
    checkpoints = Checkpoints(folder, "identity", on_note=notes.append)
    assert checkpoints.read() == {"number": number}
    assert notes == []
    checkpoints.write({"number": 4})
    assert checkpoints.read() == {"number": 4}
    assert sorted(path.suffix for path in folder.iterdir()) == [".safetensors"] * 2, "no partial file is left"


def test_the_partial_file_of_a_living_process_is_not_removed(tmp_path):
    own, other = (tmp_path / f".x.0.{pid}.half" for pid in (os.getpid(), os.getppid()))
    foreign = tmp_path / ".x.half"
    for path in (own, other, foreign):
        path.write_text("half")
    Checkpoints(tmp_path, "identity").write({"number": 1})
    assert {path.name for path in tmp_path.glob(".*")} == {own.name, other.name, foreign.name}


def test_a_full_disk_is_an_error_that_names_the_file_and_leaves_the_previous_one(tmp_path, monkeypatch):
    folder = tmp_path / "a" / "b"
    checkpoints = Checkpoints(folder, "identity")
    checkpoints.write({"number": 1})
    (before,) = folder.iterdir()

    def full(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError, match=rf"{re.escape(str(folder))}.*: cannot be written: No space left on device"):
        checkpoints.write({"number": 2})
    assert list(folder.iterdir()) == [before]
    assert checkpoints.read() == {"number": 1}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_the_error_of_the_system_for_a_full_disk(tmp_path, monkeypatch):
    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda self, mode: opened(Path("/dev/full"), mode))
    with pytest.raises(DiskError, match="cannot be written: No space left on device"):
        Checkpoints(tmp_path, "identity").write({"number": 1})
