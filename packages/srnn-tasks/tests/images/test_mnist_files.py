"""The readers of MNIST: IDX files, raw or gzipped, and Hugging Face."""

import gzip
import struct
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from srnn_tasks import TaskError
from srnn_tasks.images import load_mnist, read_idx

FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}


def idx(array: np.ndarray, magic: int | None = None) -> bytes:
    magic = {3: 2051, 1: 2049}[array.ndim] if magic is None else magic
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_an_idx_file_is_read(tmp_path: Path, suffix: str) -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    path = tmp_path / f"images{suffix}"
    path.write_bytes(gzip.compress(idx(array)) if suffix else idx(array))
    assert np.array_equal(read_idx(path).numpy(), array)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a", b"", "expected an IDX file of magic number 2051 or 2049; got 0"),
        ("a", idx(np.zeros(3, np.uint8), magic=2050), "got 2050"),
        ("a", idx(np.zeros(3, np.uint8))[:-1], r"expected \(3,\) values according to its header; got 2"),
        ("a", idx(np.zeros((2, 2, 2), np.uint8)) + b"x", r"expected \(2, 2, 2\) values .* got 9"),
        ("a.gz", b"plainly not gzip", "cannot be read"),
        ("a.gz", gzip.compress(idx(np.zeros(3, np.uint8)), mtime=0)[:-9], "cannot be read"),
        ("a.gz", gzip.compress(b"", mtime=0)[:10] + b"\xff" * 40, "cannot be read"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(TaskError, match=message) as caught:
        read_idx(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def zeros() -> dict[str, np.ndarray]:
    return {
        "train_images": np.zeros((60_000, 28, 28), np.uint8),
        "train_labels": np.zeros(60_000, np.uint8),
        "test_images": np.zeros((10_000, 28, 28), np.uint8),
        "test_labels": np.full(10_000, 9, np.uint8),
    }


def write(folder: Path, arrays: dict[str, np.ndarray], suffix: str = "") -> None:
    folder.mkdir(exist_ok=True)
    for part, array in arrays.items():
        data = idx(array)
        (folder / (FILES[part] + suffix)).write_bytes(gzip.compress(data, 1) if suffix else data)


@pytest.mark.parametrize(("subfolder", "suffix"), [("mnist", ""), ("mnist", ".gz"), ("", "")])
def test_files_are_found_in_the_folder_or_its_subfolder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subfolder: str, suffix: str
) -> None:
    write(tmp_path / subfolder, zeros(), suffix)
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    assert load_mnist().test_labels.tolist() == [9] * 10_000


@pytest.mark.parametrize(
    ("part", "array", "message"),
    [
        (
            "train_images",
            np.zeros((9, 28, 28), np.uint8),
            r"expected train images \(60000, 28, 28\); got \(9, 28, 28\)",
        ),
        ("test_labels", np.zeros(9, np.uint8), r"expected test labels \(10000,\); got \(9,\)"),
        ("train_labels", np.full(60_000, 10, np.uint8), "expected train labels 0 to 9; got 10"),
    ],
)
def test_files_of_another_set_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, array: np.ndarray, message: str
) -> None:
    write(tmp_path, zeros() | {part: array})
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    with pytest.raises(TaskError, match=f"MNIST from SRNN_DATA: {message}"):
        load_mnist()


def fake_datasets(monkeypatch: pytest.MonkeyPatch, load: object) -> None:
    module = ModuleType("datasets")
    module.load_dataset = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)


def test_without_files_the_data_set_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Image:
        """Like PIL's: an array only by the array protocol."""

        def __init__(self, value: int) -> None:
            self.value = value

        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            return np.full((28, 28), self.value, np.uint8)

    calls = []

    def load(name: str) -> dict[str, dict[str, list[object]]]:
        calls.append(name)
        return {
            "train": {"image": [Image(3)] * 60_000, "label": [4] * 60_000},
            "test": {"image": [Image(5)] * 10_000, "label": [6] * 10_000},
        }

    fake_datasets(monkeypatch, load)
    monkeypatch.delenv("SRNN_DATA", raising=False)
    mnist = load_mnist()
    assert calls == ["ylecun/mnist"]
    assert mnist.train_images.dtype == torch.uint8
    assert mnist.train_images.unique().tolist() == [3]
    assert mnist.test_images.unique().tolist() == [5]
    assert (mnist.train_labels.unique().tolist(), mnist.test_labels.unique().tolist()) == ([4], [6])


@pytest.mark.parametrize("set_to", [None, "folder"])
def test_without_anything_the_error_lists_what_was_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, set_to: str | None
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)  # as if it were not installed
    if set_to is None:
        monkeypatch.delenv("SRNN_DATA", raising=False)
        searched = ["SRNN_DATA is not set"]
    else:
        write(tmp_path / "mnist", {"test_labels": np.zeros(10_000, np.uint8)})
        monkeypatch.setenv("SRNN_DATA", str(tmp_path))
        searched = [
            str(tmp_path / "mnist"),
            "no train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte (raw",
        ]
    with pytest.raises(TaskError, match=r"MNIST was not found\. Searched: ") as caught:
        load_mnist()
    for part in [
        *searched,
        "package datasets",
        "set SRNN_DATA to a folder",
        "install srnn-tasks[datasets]",
        *FILES.values(),
    ]:
        assert part in str(caught.value)


def test_a_failed_download_is_an_error_with_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> SimpleNamespace:
        raise ConnectionError("no network")

    fake_datasets(monkeypatch, load)
    monkeypatch.delenv("SRNN_DATA", raising=False)
    with pytest.raises(TaskError, match=r"load_dataset\('ylecun/mnist'\): ConnectionError: no network.*set SRNN_DATA"):
        load_mnist()
