"""Stored arrays: written once, complete or absent, and written again if they are broken."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from srnn_tasks import TaskError
from srnn_tasks.cache import cache_folder, cached_array

SHAPE = (4, 3)
VALUES = torch.arange(12.0).view(SHAPE)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SRNN_CACHE", str(tmp_path))
    return tmp_path


def never():
    raise AssertionError("computed again")


def test_an_array_is_computed_once(folder: Path) -> None:
    found = cached_array("room/a", SHAPE, lambda: VALUES.split(3))
    assert found.dtype == torch.float16 and torch.equal(found, VALUES.half())
    assert torch.equal(cached_array("room/a", SHAPE, never), VALUES.half())
    np.testing.assert_array_equal(np.load(folder / "room" / "a.npy"), VALUES.numpy())


def test_changes_of_the_tensor_do_not_reach_the_file() -> None:
    cached_array("a", SHAPE, lambda: [VALUES]).zero_()
    assert torch.equal(cached_array("a", SHAPE, never), VALUES.half())


@pytest.mark.parametrize("damage", ["empty", "cut off", "other shape", "no array"])
def test_a_broken_file_is_written_again(folder: Path, damage: str) -> None:
    cached_array("a", SHAPE, lambda: [VALUES])
    file = folder / "a.npy"
    match damage:
        case "empty":
            file.write_bytes(b"")
        case "cut off":
            file.write_bytes(file.read_bytes()[:-1])
        case "other shape":
            np.save(file, np.zeros((3, 4), np.float16))
        case "no array":
            file.write_bytes(b"nonsense" * 100)
    assert torch.equal(cached_array("a", SHAPE, lambda: [VALUES]), VALUES.half())
    assert torch.equal(cached_array("a", SHAPE, never), VALUES.half())


def test_an_error_in_between_leaves_nothing(folder: Path) -> None:
    def parts():
        yield VALUES[:2]
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        cached_array("a", SHAPE, parts)
    assert [path.name for path in folder.iterdir()] == [".a.npy.lock"]
    assert torch.equal(cached_array("a", SHAPE, lambda: [VALUES]), VALUES.half())


SLOW = """
import sys, time, torch
from srnn_tasks.cache import cached_array

def parts():
    print("computing", flush=True)
    for row in range(4):
        time.sleep(float(sys.argv[1]))
        yield torch.full((1, 3), float(row))

print(cached_array("a", (4, 3), parts)[:, 0].tolist(), flush=True)
"""


def start(seconds: float) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", SLOW, str(seconds)], stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(os.name != "posix", reason="no locks")
def test_of_two_processes_one_computes_and_the_other_waits(folder: Path) -> None:
    printed = [process.communicate()[0] for process in [start(0.5), start(0.5)]]
    assert sorted(printed) == ["[0.0, 1.0, 2.0, 3.0]\n", "computing\n[0.0, 1.0, 2.0, 3.0]\n"]
    assert sorted(path.name for path in folder.iterdir()) == [".a.npy.lock", "a.npy"]


@pytest.mark.skipif(os.name != "posix", reason="no signals")
def test_a_process_that_is_killed_leaves_no_file_and_no_lock(folder: Path) -> None:
    process = start(60)
    assert process.stdout.readline() == "computing\n"
    deadline = time.monotonic() + 30
    while not list(folder.glob("*.half")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert list(folder.glob(".*.half")) and not list(folder.glob("*.npy"))
    assert torch.equal(cached_array("a", SHAPE, lambda: [VALUES]), VALUES.half())
    assert not list(folder.glob(".*.half"))


def test_a_folder_that_cannot_be_written_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "file").write_text("")
    monkeypatch.setenv("SRNN_CACHE", str(folder / "file"))
    with pytest.raises(TaskError, match=r"^SRNN_CACHE: .*a\.npy \(0\.0024 GB\) cannot be written: "):
        cached_array("a", (400, 3000), never)


def test_the_folder_is_that_of_the_user_if_none_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SRNN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache_folder() == Path("/caches/srnn")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/someone")
    assert cache_folder() == Path("/someone/.cache/srnn")
