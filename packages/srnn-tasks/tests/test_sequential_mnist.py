"""The stream, the splits and the readers; the numbers are those of the data's own notes."""

import gzip
import os
import struct
import sys
from itertools import islice
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from srnn_tasks import SequentialMNIST, SequentialMNISTSource
from srnn_tasks.images._mnist_files import FILES, Mnist, load_mnist, read_idx

needs_data = pytest.mark.skipif("SRNN_DATA" not in os.environ, reason="SRNN_DATA is not set: no MNIST files")

TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def opened(**fields: object) -> SequentialMNISTSource:
    return SequentialMNIST(**fields).open(device="cpu", generator=torch.Generator().manual_seed(0))


@pytest.fixture
def digits(monkeypatch: pytest.MonkeyPatch) -> Mnist:
    """Made-up digits in place of the files: image i of train is all i % 251, its label i % 10."""
    train, test = torch.arange(60_000), torch.arange(10_000)
    made = Mnist(
        (train % 251).to(torch.uint8)[:, None, None].expand(-1, 28, 28).clone(),
        (train % 10).to(torch.uint8),
        (test % 241).to(torch.uint8)[:, None, None].expand(-1, 28, 28).clone(),
        (test % 7).to(torch.uint8),
    )
    made.train_images[:, 0, :3] = torch.tensor([250, 0, 125], dtype=torch.uint8)
    monkeypatch.setattr("srnn_tasks.images._sequential_mnist.load_mnist", lambda: made)
    return made


# --- the real files ---


@needs_data
def test_the_files_hold_mnist() -> None:
    mnist = load_mnist()
    assert torch.bincount(mnist.train_labels.long()).tolist() == TRAIN
    assert torch.bincount(mnist.test_labels.long()).tolist() == TEST
    assert mnist.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.test_labels[:5].tolist() == [7, 2, 1, 0, 4]
    pixels = mnist.train_images.double() / 255
    assert pixels.mean().item() == pytest.approx(0.13066, abs=5e-6)
    assert pixels.std().item() == pytest.approx(0.30811, abs=5e-6)


@needs_data
def test_held_out_splits_are_the_files(generator: torch.Generator) -> None:
    mnist, source = load_mnist(), opened()
    for split, images, labels in (
        ("validation", mnist.train_images[-5000:], mnist.train_labels[-5000:]),
        ("test", mnist.test_images, mnist.test_labels),
    ):
        batches = list(source.held_out(split, generator=generator))
        shown = torch.cat([batch.inputs for batch in batches], 1)  # (28, n, 28)
        torch.testing.assert_close(shown.transpose(0, 1), images.float() / 255)
        assert torch.equal(torch.cat([batch.targets[-1] for batch in batches]), labels.long())


@needs_data
def test_a_constant_answer_scores_its_share(generator: torch.Generator) -> None:
    def always_one(inputs: torch.Tensor, start: None = None, state: None = None) -> tuple[torch.Tensor, None]:
        outputs = torch.zeros(28, inputs.shape[1], 10)
        outputs[-1, :, 1] = 1.0
        return outputs, None

    scores = opened().evaluate(always_one, split="test", generator=generator)
    assert scores["accuracy"] == pytest.approx(0.1135)  # 88.65 % error, the chance of the facts sheets


@needs_data
def test_standard_scaling_gives_mean_0_and_sd_1(generator: torch.Generator) -> None:
    inputs = next(opened(scaling="standard", validation=0).batches(60_000, generator=generator)).inputs
    assert abs(inputs.double().mean().item()) < 1e-4
    assert inputs.double().std().item() == pytest.approx(1, abs=1e-4)


# --- the stream ---


def test_views(digits: Mnist, generator: torch.Generator) -> None:
    rows = next(opened().batches(4, generator=generator.manual_seed(1)))
    pixels = next(opened(view="pixels").batches(4, generator=generator.manual_seed(1)))
    assert rows.inputs.shape == (28, 4, 28)
    assert pixels.inputs.shape == (784, 4, 1)
    images = digits.train_images[rows.info["index"]].float() / 255  # (4, 28, 28)
    torch.testing.assert_close(rows.inputs, images.transpose(0, 1))
    torch.testing.assert_close(pixels.inputs[:, :, 0], images.reshape(4, 784).T)
    assert torch.equal(rows.targets[-1], digits.train_labels[rows.info["index"]].long())
    assert torch.equal(rows.weight, torch.cat([torch.zeros(27, 4), torch.ones(1, 4)]))


def test_a_permutation_is_fixed_and_shuffles_all_pixels(digits: Mnist, generator: torch.Generator) -> None:
    def first(**fields: object) -> torch.Tensor:
        return next(opened(view="pixels", **fields).batches(1, generator=generator.manual_seed(1))).inputs[:, 0, 0]

    plain, one, again, two = first(), first(permutation_seed=1), first(permutation_seed=1), first(permutation_seed=2)
    assert torch.equal(one, again)
    assert not torch.equal(one, two)
    assert not torch.equal(one, plain)
    assert torch.equal(one.sort().values, plain.sort().values)
    rows = next(opened(permutation_seed=1).batches(1, generator=generator.manual_seed(1))).inputs[:, 0].flatten()
    assert torch.equal(rows, one)


@pytest.mark.parametrize(("validation", "images", "size"), [(5000, 55_000, 64), (0, 60_000, 64), (59_990, 10, 4)])
def test_a_pass_shows_each_image_once(
    digits: Mnist, generator: torch.Generator, validation: int, images: int, size: int
) -> None:
    source = opened(validation=validation)
    epoch = source.epoch_batches(size)
    assert epoch == -(-images // size)
    batches = list(islice(source.batches(size, generator=generator), 2 * epoch))
    assert {batch.size for batch in batches} == {size}
    index = torch.cat([batch.info["index"] for batch in batches])
    for one_pass in (index[:images], index[images : 2 * images]):
        assert torch.equal(one_pass.sort().values, torch.arange(images))
    assert not torch.equal(index[:images], torch.arange(images))


def test_a_batch_may_be_larger_than_a_pass(digits: Mnist, generator: torch.Generator) -> None:
    batch = next(opened(validation=59_990).batches(25, generator=generator))
    assert sorted(torch.bincount(batch.info["index"]).tolist()) == [2] * 5 + [3] * 5


def test_a_resumed_stream_goes_on_bit_for_bit(digits: Mnist, generator: torch.Generator) -> None:
    whole = opened(validation=59_900)  # a pass of 100 images: the stream below runs over its end
    expected = list(islice(whole.batches(7, generator=generator.manual_seed(2)), 40))
    for stop in (0, 1, 14, 15, 29):
        source = opened(validation=59_900)
        list(islice(source.batches(7, generator=generator.manual_seed(2)), stop))
        state, position = source.state_dict(), generator.get_state()
        next(source.batches(7, generator=generator))  # what the first run does on its own changes nothing
        resumed, other = opened(validation=59_900), torch.Generator()
        resumed.load_state_dict(state)
        other.set_state(position)
        for first, second in zip(expected[stop:], resumed.batches(7, generator=other), strict=False):
            assert torch.equal(first.inputs, second.inputs)
            assert torch.equal(first.info["index"], second.info["index"])


@pytest.mark.parametrize(
    "state", [{}, {"order": torch.zeros(3)}, {"order": torch.tensor([55_000])}, {"order": torch.tensor([-1])}]
)
def test_a_state_of_another_task_is_refused(digits: Mnist, state: dict) -> None:
    with pytest.raises(ValueError, match="state: expected"):
        opened().load_state_dict(state)


def test_without_held_out_images_there_is_no_validation_split(digits: Mnist, generator: torch.Generator) -> None:
    source = opened(validation=0)
    with pytest.raises(ValueError, match=r"validation: .* \(validation = 0\)"):
        source.evaluate(lambda *_: None, split="validation", generator=generator)


def test_every_image_is_scored_though_the_last_batch_is_short(digits: Mnist, generator: torch.Generator) -> None:
    source = opened(validation=1203)
    sizes = [batch.size for batch in source.held_out("validation", generator=generator)]
    assert sizes == [500, 500, 203]

    def always_three(inputs: torch.Tensor, start: None = None, state: None = None) -> tuple[torch.Tensor, None]:
        outputs = torch.zeros(28, inputs.shape[1], 10)
        outputs[..., 3] = 1.0
        return outputs, None

    scores = source.evaluate(always_three, split="validation", generator=generator)
    share = (digits.train_labels[-1203:] == 3).double().mean().item()
    assert scores["accuracy"] == pytest.approx(share, rel=1e-6)


# --- the readers ---


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
        ("a", idx(np.zeros(3, np.uint8))[:-1], r"expected \(3,\) values as its header says; got 2"),
        ("a", idx(np.zeros((2, 2, 2), np.uint8)) + b"x", r"expected \(2, 2, 2\) values .* got 9"),
        ("a.gz", b"plainly not gzip", "cannot be read"),
        ("a.gz", gzip.compress(idx(np.zeros(3, np.uint8)))[:-9], "cannot be read"),
        ("a.gz", gzip.compress(b"")[:10] + b"\xff" * 40, "cannot be read"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
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
    with pytest.raises(ValueError, match=f"MNIST from SRNN_DATA: {message}"):
        load_mnist()


def fake_datasets(monkeypatch: pytest.MonkeyPatch, load: object) -> None:
    module = ModuleType("datasets")
    module.load_dataset = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "datasets", module)


def test_without_files_hugging_face_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Image:
        """Like PIL's: an array only by the array protocol."""

        def __init__(self, value: int) -> None:
            self.value = value

        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            return np.full((28, 28), self.value, np.uint8)

    asked = []

    def load(name: str) -> dict[str, dict[str, list[object]]]:
        asked.append(name)
        return {
            "train": {"image": [Image(3)] * 60_000, "label": [4] * 60_000},
            "test": {"image": [Image(5)] * 10_000, "label": [6] * 10_000},
        }

    fake_datasets(monkeypatch, load)
    monkeypatch.delenv("SRNN_DATA", raising=False)
    mnist = load_mnist()
    assert asked == ["ylecun/mnist"]
    assert mnist.train_images.dtype == torch.uint8
    assert mnist.train_images.unique().tolist() == [3]
    assert mnist.test_images.unique().tolist() == [5]
    assert (mnist.train_labels.unique().tolist(), mnist.test_labels.unique().tolist()) == ([4], [6])


@pytest.mark.parametrize("set_to", [None, "folder"])
def test_without_anything_the_error_says_what_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, set_to: str | None
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)  # as if it were not installed
    if set_to is None:
        monkeypatch.delenv("SRNN_DATA", raising=False)
        looked = ["SRNN_DATA is not set"]
    else:
        write(tmp_path / "mnist", {"test_labels": np.zeros(10_000, np.uint8)})
        monkeypatch.setenv("SRNN_DATA", str(tmp_path))
        looked = [
            str(tmp_path / "mnist"),
            "no train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte (raw",
        ]
    with pytest.raises(ValueError, match=r"MNIST was not found\. Looked at: ") as caught:
        load_mnist()
    for part in [
        *looked,
        "package datasets",
        "set SRNN_DATA to a folder",
        "install srnn-tasks[datasets]",
        *FILES.values(),
    ]:
        assert part in str(caught.value)


def test_a_download_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> SimpleNamespace:
        raise ConnectionError("no network")

    fake_datasets(monkeypatch, load)
    monkeypatch.delenv("SRNN_DATA", raising=False)
    with pytest.raises(ValueError, match=r"load_dataset\('ylecun/mnist'\): ConnectionError: no network.*set SRNN_DATA"):
        load_mnist()
