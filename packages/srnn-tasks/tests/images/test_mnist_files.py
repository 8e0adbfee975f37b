"""The readers of MNIST: IDX files, raw or gzipped, and Hugging Face."""

import gzip
import hashlib
import os
import struct
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from srnn_tasks import SequentialMNIST, TaskError
from srnn_tasks.images import fingerprint, load_mnist, read_idx

FILES = {
    "train_images": "train-images-idx3-ubyte",
    "train_labels": "train-labels-idx1-ubyte",
    "test_images": "t10k-images-idx3-ubyte",
    "test_labels": "t10k-labels-idx1-ubyte",
}


def idx(array: np.ndarray, magic: int | None = None) -> bytes:
    magic = {3: 2051, 1: 2049}[array.ndim] if magic is None else magic
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


@pytest.mark.parametrize(("name", "gzipped"), [("images", False), ("images.gz", True), ("images", True)])
def test_an_idx_file_is_read(tmp_path: Path, name: str, gzipped: bool) -> None:
    """A gzipped file is recognised by its first bytes, whatever its name."""
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    path = tmp_path / name
    path.write_bytes(gzip.compress(idx(array)) if gzipped else idx(array))
    assert np.array_equal(read_idx(path).numpy(), array)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a", b"", "cannot be read: it is empty"),
        ("a.gz", b"", "cannot be read: it is empty"),
        ("a.gz", gzip.compress(b"", mtime=0), "cannot be read: it is empty"),
        ("a", b"\0\0", "expected an IDX file of magic number 2051 or 2049; got 0"),
        ("a", struct.pack(">4I", 2051, 2**31, 2**31, 4), r"expected \(2147483648, 2147483648, 4\) values .* got 0"),
        ("a", struct.pack(">4I", 2051, 2**32 - 1, 2**32 - 1, 2**32 - 1), "expected .* values .* got 0"),
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
    assert load_mnist(f"sha256:{digest(zeros())}").test_labels.tolist() == [9] * 10_000


def digest(arrays: dict[str, np.ndarray]) -> str:
    """Return the SHA-256 of the four raw files, one after the other, as `cat FILES | sha256sum` prints it."""
    return hashlib.sha256(b"".join(idx(arrays[part]) for part in FILES)).hexdigest()


def test_files_of_another_data_set_are_not_taken_for_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fashion-MNIST has the names and the shapes of MNIST. The message has the field that admits it."""
    write(tmp_path / "mnist", zeros())
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    generator = torch.Generator().manual_seed(0)
    field = f"sha256:{digest(zeros())}"
    with pytest.raises(
        TaskError, match=rf"these are other images .* set the field data='{field}' of the task"
    ) as caught:
        SequentialMNIST().open(device="cpu", generator=generator)
    assert str(tmp_path / "mnist") in str(caught.value)
    task = SequentialMNIST(data=field)
    assert next(task.open(device="cpu", generator=generator).batches(4, generator=generator)).inputs.shape == (
        28,
        4,
        28,
    )
    assert SequentialMNIST().model_dump_json(exclude_defaults=True) != task.model_dump_json(exclude_defaults=True)


def test_other_images_are_found_in_any_subfolder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = zeros() | {"test_labels": np.full(10_000, 3, np.uint8)}
    write(tmp_path / "mnist", zeros())
    write(tmp_path / "others", other, ".gz")
    (tmp_path / "broken").mkdir()
    for name in FILES.values():
        (tmp_path / "broken" / name).write_bytes(b"nothing of the kind")
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    images = load_mnist(f"sha256:{digest(other)}")
    assert images.test_labels.unique().tolist() == [3]
    assert fingerprint(images) == digest(other)
    with pytest.raises(TaskError, match=r"^data: expected the four IDX files .* of sha256:00") as caught:
        load_mnist(f"sha256:{'0' * 64}")
    for part in (tmp_path / "mnist", tmp_path / "others", tmp_path / "broken", digest(zeros()), digest(other)):
        assert str(part) in str(caught.value)


@pytest.mark.parametrize("data", ["fashion", "sha256:abc", "MNIST", f"sha256:{'G' * 64}", ""])
def test_other_data_are_named_by_their_fingerprint(data: str) -> None:
    with pytest.raises(ValueError, match="data"):
        SequentialMNIST(data=data)


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
    with pytest.raises(TaskError, match=rf"MNIST from SRNN_DATA \({tmp_path}\): {message}"):
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
    downloaded = {
        "train_images": np.full((60_000, 28, 28), 3, np.uint8),
        "train_labels": np.full(60_000, 4, np.uint8),
        "test_images": np.full((10_000, 28, 28), 5, np.uint8),
        "test_labels": np.full(10_000, 6, np.uint8),
    }
    message = rf"MNIST from datasets\.load_dataset\('ylecun/mnist'\): these are other .* got {digest(downloaded)}"
    with pytest.raises(TaskError, match=message):
        load_mnist()
    assert calls == ["ylecun/mnist"]


def test_a_download_of_mnist_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    if "SRNN_DATA" not in os.environ:
        pytest.skip("SRNN_DATA is not set: no MNIST files")
    files = load_mnist()
    splits = {
        split: {"image": list(images.numpy()), "label": labels.tolist()}
        for split, images, labels in (
            ("train", files.train_images, files.train_labels),
            ("test", files.test_images, files.test_labels),
        )
    }
    fake_datasets(monkeypatch, lambda name: splits)
    monkeypatch.delenv("SRNN_DATA")
    assert all(map(torch.equal, load_mnist(), files))


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
