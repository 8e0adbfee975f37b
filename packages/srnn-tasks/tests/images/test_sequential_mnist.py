"""The stream and the splits; the expected numbers are those of the notes on the data."""

import os
from collections.abc import Callable
from itertools import islice

import pytest
import torch

from srnn_tasks import SequentialMNIST, SequentialMNISTSource, TaskError
from srnn_tasks.images import Mnist, load_mnist

needs_data = pytest.mark.skipif("SRNN_DATA" not in os.environ, reason="SRNN_DATA is not set: no MNIST files")

TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


Opened = Callable[..., SequentialMNISTSource]


def opened(**fields: object) -> SequentialMNISTSource:
    return SequentialMNIST(**fields).open(device="cpu", generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def digits() -> Mnist:
    """Made-up digits: image i of train is i % 251 everywhere, its label i % 10."""
    train, test = torch.arange(60_000), torch.arange(10_000)
    made = Mnist(
        (train % 251).to(torch.uint8)[:, None, None].expand(-1, 28, 28).clone(),
        (train % 10).to(torch.uint8),
        (test % 241).to(torch.uint8)[:, None, None].expand(-1, 28, 28).clone(),
        (test % 7).to(torch.uint8),
    )
    made.train_images[:, 0, :3] = torch.tensor([250, 0, 125], dtype=torch.uint8)
    return made


@pytest.fixture
def opened_on(digits: Mnist) -> Opened:
    """Open a task on the made-up digits."""
    return lambda **fields: SequentialMNISTSource(SequentialMNIST(**fields), digits, device="cpu")


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
    assert scores["accuracy"] == pytest.approx(0.1135)  # 88.65 % error, the chance level


@needs_data
def test_standard_scaling_gives_mean_0_and_sd_1(generator: torch.Generator) -> None:
    inputs = next(opened(scaling="standard", validation=0).batches(60_000, generator=generator)).inputs
    assert abs(inputs.double().mean().item()) < 1e-4
    assert inputs.double().std().item() == pytest.approx(1, abs=1e-4)


# --- the stream ---


def test_views(opened_on: Opened, digits: Mnist, generator: torch.Generator) -> None:
    rows = next(opened_on().batches(4, generator=generator.manual_seed(1)))
    pixels = next(opened_on(view="pixels").batches(4, generator=generator.manual_seed(1)))
    chunks = next(opened_on(view="chunks").batches(4, generator=generator.manual_seed(1)))
    assert rows.inputs.shape == (28, 4, 28)
    assert chunks.inputs.shape == (49, 4, 16)
    assert pixels.inputs.shape == (784, 4, 1)
    images = digits.train_images[rows.info["index"]].float() / 255  # (4, 28, 28)
    torch.testing.assert_close(rows.inputs, images.transpose(0, 1))
    torch.testing.assert_close(pixels.inputs[:, :, 0], images.reshape(4, 784).T)
    torch.testing.assert_close(chunks.inputs.transpose(0, 1).reshape(4, 784), images.reshape(4, 784))
    assert torch.equal(rows.targets[-1], digits.train_labels[rows.info["index"]].long())
    assert torch.equal(rows.weight, torch.cat([torch.zeros(27, 4), torch.ones(1, 4)]))


def test_a_permutation_is_fixed_and_shuffles_all_pixels(opened_on: Opened, generator: torch.Generator) -> None:
    def first(**fields: object) -> torch.Tensor:
        return next(opened_on(view="pixels", **fields).batches(1, generator=generator.manual_seed(1))).inputs[:, 0, 0]

    plain, one, again, two = first(), first(permutation_seed=1), first(permutation_seed=1), first(permutation_seed=2)
    assert torch.equal(one, again)
    assert not torch.equal(one, two)
    assert not torch.equal(one, plain)
    assert torch.equal(one.sort().values, plain.sort().values)
    rows = next(opened_on(permutation_seed=1).batches(1, generator=generator.manual_seed(1))).inputs[:, 0].flatten()
    assert torch.equal(rows, one)


@pytest.mark.parametrize(("validation", "images", "size"), [(5000, 55_000, 64), (0, 60_000, 64), (59_990, 10, 4)])
def test_a_pass_shows_each_image_once(
    opened_on: Opened, generator: torch.Generator, validation: int, images: int, size: int
) -> None:
    source = opened_on(validation=validation)
    epoch = source.epoch_batches(size)
    assert epoch == -(-images // size)
    batches = list(islice(source.batches(size, generator=generator), 2 * epoch))
    assert {batch.size for batch in batches} == {size}
    index = torch.cat([batch.info["index"] for batch in batches])
    for one_pass in (index[:images], index[images : 2 * images]):
        assert torch.equal(one_pass.sort().values, torch.arange(images))
    assert not torch.equal(index[:images], torch.arange(images))


def test_a_batch_may_be_larger_than_a_pass(opened_on: Opened, generator: torch.Generator) -> None:
    batch = next(opened_on(validation=59_990).batches(25, generator=generator))
    assert sorted(torch.bincount(batch.info["index"]).tolist()) == [2] * 5 + [3] * 5


def test_a_resumed_stream_is_identical(opened_on: Opened, generator: torch.Generator) -> None:
    whole = opened_on(validation=59_900)  # a pass of 100 images, which the stream below exceeds
    expected = list(islice(whole.batches(7, generator=generator.manual_seed(2)), 40))
    for stop in (0, 1, 14, 15, 29):
        source = opened_on(validation=59_900)
        list(islice(source.batches(7, generator=generator.manual_seed(2)), stop))
        state, position = source.state_dict(), generator.get_state()
        next(source.batches(7, generator=generator))  # the first source continues without effect on the second
        resumed, other = opened_on(validation=59_900), torch.Generator()
        resumed.load_state_dict(state)
        other.set_state(position)
        for first, second in zip(expected[stop:], resumed.batches(7, generator=other), strict=False):
            assert torch.equal(first.inputs, second.inputs)
            assert torch.equal(first.info["index"], second.info["index"])


@pytest.mark.parametrize(
    "state", [{}, {"order": torch.zeros(3)}, {"order": torch.tensor([55_000])}, {"order": torch.tensor([-1])}]
)
def test_a_state_of_another_task_is_refused(opened_on: Opened, state: dict) -> None:
    with pytest.raises(TaskError, match="state: expected"):
        opened_on().load_state_dict(state)


def test_without_held_out_images_there_is_no_validation_split(opened_on: Opened, generator: torch.Generator) -> None:
    source = opened_on(validation=0)
    with pytest.raises(TaskError, match=r"split: .* \(validation = 0\)"):
        source.evaluate(lambda *_: None, split="validation", generator=generator)


def test_every_image_is_scored_though_the_last_batch_is_short(
    opened_on: Opened, digits: Mnist, generator: torch.Generator
) -> None:
    source = opened_on(validation=1203)
    sizes = [batch.size for batch in source.held_out("validation", generator=generator)]
    assert sizes == [500, 500, 203]

    def always_three(inputs: torch.Tensor, start: None = None, state: None = None) -> tuple[torch.Tensor, None]:
        outputs = torch.zeros(28, inputs.shape[1], 10)
        outputs[..., 3] = 1.0
        return outputs, None

    scores = source.evaluate(always_three, split="validation", generator=generator)
    share = (digits.train_labels[-1203:] == 3).double().mean().item()
    assert scores["accuracy"] == pytest.approx(share, rel=1e-6)
