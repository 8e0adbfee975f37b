"""The task: its splits, its stream, its stored images, and its errors."""

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
import torch

from srnn_tasks import RandomAnomaly, RandomAnomalySource, TaskError
from srnn_tasks.anomaly import render
from srnn_tasks.images import Mnist

from .made_up import made_up_mnist

NEEDS_DATA = pytest.mark.skipif("SRNN_DATA" not in os.environ, reason="SRNN_DATA is not set: no MNIST files")


@pytest.fixture(scope="module")
def digits() -> Mnist:
    return made_up_mnist()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache for one test, as these images are made of other digits than MNIST's."""
    monkeypatch.setenv("SRNN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("images", [9, 10])
def test_a_batch_shows_the_images_then_a_blank_and_scores_it_alone(digits, generator, images) -> None:
    source = RandomAnomalySource(RandomAnomaly(series=30, held_out=7, images=images), digits, device="cpu")
    batch = next(source.batches(8, generator=generator))
    assert batch.inputs.shape == (images + 1, 8, 2500)
    assert (batch.inputs[-1] == 0).all()
    train, index = source.parts["train"], batch.info["index"]
    expected = render(train.record, digits.train_images[:50_000])[index].transpose(0, 1)
    torch.testing.assert_close(batch.inputs[:-1], expected, rtol=0, atol=1e-3)  # stored as float16
    assert torch.equal(batch.inputs[:-1], expected.half().float())
    assert torch.equal(batch.targets, train.record.position[index].expand(images + 1, 8))
    assert torch.equal(batch.weight, torch.cat([torch.zeros(images, 8), torch.ones(1, 8)]))
    assert torch.equal(batch.info["digit"], digits.train_labels[index].long())
    pipelines = train.record.pipeline[index]  # (B, n)
    rows = torch.arange(8)
    assert torch.equal(batch.info["anomaly"], pipelines[rows, batch.targets[-1]])
    assert torch.equal(batch.info["base"], pipelines[rows, (batch.targets[-1] + 1) % images])
    assert source.spec.outputs == 10


def test_loss_and_accuracy_count_the_blank_step_alone(digits, generator) -> None:
    source = RandomAnomalySource(RandomAnomaly(series=30, held_out=7), digits, device="cpu")
    batch = next(source.batches(20, generator=generator))
    outputs = torch.randn(10, 20, 10, generator=generator)
    last = outputs[-1].log_softmax(-1)[torch.arange(20), batch.targets[-1]]
    assert source.loss(outputs, batch).item() == pytest.approx(-last.mean().item(), rel=1e-5)
    right = torch.nn.functional.one_hot(batch.targets, 10).float()
    right[-1, :5] = right[-1, :5].roll(1, -1)
    right[:-1] = 1 - right[:-1]
    assert source.measure(right, batch)["accuracy"].item() == 0.75


def test_without_learning_accuracy_and_loss_are_those_of_chance(digits, generator) -> None:
    source = RandomAnomalySource(RandomAnomaly(series=5, held_out=600), digits, device="cpu")

    def uniform(inputs, start=None, state=None):
        outputs = torch.zeros(*inputs.shape[:2], 10)
        outputs[..., 9] = -30.0
        return outputs, None

    scores = source.evaluate(uniform, split="test", generator=generator)
    assert scores["cross_entropy"] == pytest.approx(2.1972, abs=1e-4)  # ln 9
    assert scores["accuracy"] == pytest.approx(1 / 9, abs=0.045)


def test_splits_that_are_apart_share_no_image(digits) -> None:
    source = RandomAnomalySource(RandomAnomaly(series=200, held_out=100), digits, device="cpu")
    assert {name: int(part.record.image.max()) for name, part in source.parts.items()} == pytest.approx(
        {"train": 49_999, "validation": 9_999, "test": 9_999}, rel=0.02
    )
    sources = {
        "train": (digits.train_images[:50_000], digits.train_labels[:50_000]),
        "validation": (digits.train_images[50_000:], digits.train_labels[50_000:]),
        "test": (digits.test_images, digits.test_labels),
    }
    for name, part in source.parts.items():
        images, labels = sources[name]
        assert torch.equal(part.digit, labels[: len(part.record)].long())
        assert (labels.long()[part.record.image] == part.digit[:, None]).all()
        assert torch.equal(part.pixels, render(part.record, images).half())


def test_shared_splits_are_those_of_the_published_data(digits) -> None:
    source = RandomAnomalySource(RandomAnomaly(series=200, held_out=1000, split="shared"), digits, device="cpu")
    labels = digits.train_labels.long()
    for name, first, count in (("train", 0, 200), ("validation", 58_000, 1000), ("test", 59_000, 1000)):
        part = source.parts[name]
        assert torch.equal(part.digit, labels[first : first + count])
        assert (labels[part.record.image] == part.digit[:, None]).all()
        assert part.record.image.max() > 59_000 and part.record.image.min() < 1000
    positions = [part.position[:200] for part in source.parts.values()]
    assert not torch.equal(positions[0], positions[1]) and not torch.equal(positions[1], positions[2])


def test_held_out_series_come_in_order_though_the_last_batch_is_short(digits, generator) -> None:
    source = RandomAnomalySource(RandomAnomaly(series=5, held_out=530), digits, device="cpu")
    for split in ("validation", "test"):
        batches = list(source.held_out(split, generator=generator))
        assert [batch.size for batch in batches] == [250, 250, 30]
        assert torch.equal(torch.cat([batch.info["index"] for batch in batches]), torch.arange(530))
        assert torch.equal(torch.cat([batch.targets[-1] for batch in batches]), source.parts[split].position)


@pytest.mark.parametrize("shuffle", [True, False])
def test_a_pass_shows_each_series_once(digits, generator, shuffle) -> None:
    source = RandomAnomalySource(RandomAnomaly(series=30, held_out=7, shuffle=shuffle), digits, device="cpu")
    assert source.epoch_batches(4) == 8
    index = torch.cat([batch.info["index"] for batch in islice(source.batches(4, generator=generator), 15)])
    for one_pass in index.view(2, 30):
        assert torch.equal(one_pass.sort().values, torch.arange(30))
        assert torch.equal(one_pass, torch.arange(30)) != shuffle
    assert torch.equal(index[:30], index[30:]) != shuffle


@pytest.mark.parametrize(
    "state", [{}, {"order": torch.zeros(3)}, {"order": torch.tensor([30])}, {"order": torch.tensor([-1])}]
)
def test_a_state_of_another_task_is_refused(digits, state) -> None:
    with pytest.raises(TaskError, match="state: expected"):
        RandomAnomalySource(RandomAnomaly(series=30, held_out=7), digits, device="cpu").load_state_dict(state)


def test_the_data_depend_on_their_seed_and_on_nothing_else(digits, folder) -> None:
    def pixels(**fields) -> torch.Tensor:
        task = RandomAnomaly(**{"series": 20, "held_out": 7, **fields})
        return RandomAnomalySource(task, digits, device="cpu").parts["train"].pixels.clone()

    first = pixels()
    assert len(list(folder.glob("random_anomaly/*.npy"))) == 3
    assert torch.equal(pixels(shuffle=False), first)
    assert len(list(folder.glob("random_anomaly/*.npy"))) == 3, "the order of training changes no file"
    assert torch.equal(pixels(held_out=8), first)
    assert len(list(folder.glob("random_anomaly/*.npy"))) == 5, "the training series are stored once"
    assert not torch.equal(pixels(data_seed=1), first)
    assert not torch.equal(pixels(split="shared"), first)


def test_images_are_rendered_once_and_stored_in_half_precision_without_the_blank(digits, folder) -> None:
    task = RandomAnomaly(series=20, held_out=7)
    first = RandomAnomalySource(task, digits, device="cpu").parts["train"].pixels
    files = {path: path.stat().st_mtime_ns for path in folder.glob("random_anomaly/*.npy")}
    assert first.dtype == torch.float16 and first.shape == (20, 9, 2500)
    assert sorted(path.stat().st_size for path in files) == [128 + 7 * 45_000] * 2 + [128 + 20 * 45_000]
    again = RandomAnomalySource(task, digits, device="cpu").parts["train"].pixels
    assert torch.equal(first, again)
    assert {path: path.stat().st_mtime_ns for path in folder.glob("random_anomaly/*.npy")} == files


OPEN = """
import torch
from srnn_tasks import RandomAnomaly

source = RandomAnomaly(series=400, held_out=50).open(device="cpu", generator=torch.Generator().manual_seed(0))
print([part.pixels.double().sum().item() for part in source.parts.values()])
"""


@NEEDS_DATA
def test_two_workers_may_open_it_at_once(folder: Path) -> None:
    workers = [subprocess.Popen([sys.executable, "-c", OPEN], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [worker.communicate()[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert printed[0] == printed[1] != ""
    stored = [path.name for path in (folder / "random_anomaly").iterdir()]
    assert len([name for name in stored if name.endswith(".npy")]) == 3
    assert not [name for name in stored if name.endswith(".half")]


def test_without_mnist_the_error_says_what_to_set(monkeypatch, tmp_path, generator) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    monkeypatch.setenv("SRNN_DATA", str(tmp_path))
    with pytest.raises(TaskError, match=r"MNIST was not found\. .*set SRNN_DATA to a folder with the four IDX files"):
        RandomAnomaly().open(device="cpu", generator=generator)
    assert RandomAnomaly().data_set().place is None


def test_a_cache_that_cannot_be_written_is_named(digits, monkeypatch, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SRNN_CACHE", str(tmp_path / "file"))
    with pytest.raises(TaskError, match=r"SRNN_CACHE: .*file.*cannot be written: .*Set the environment variable SRNN"):
        RandomAnomalySource(RandomAnomaly(series=5, held_out=5), digits, device="cpu")


def test_sizes_are_known_without_the_data(generator) -> None:
    outline = RandomAnomaly().outline(16)
    assert (outline.inputs, outline.outputs, outline.steps, outline.epoch_batches) == (2500, 10, 10, 1875)
