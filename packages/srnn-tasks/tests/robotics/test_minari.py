"""Data sets of Minari as imitation tasks, against their episodes read one by one."""

import sys
from importlib.util import find_spec
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pytest
import torch

from srnn_tasks import Minari, TaskError
from srnn_tasks.testing import check_task

from .toys import LENGTHS, write_toy

pytestmark = [
    pytest.mark.skipif(find_spec("minari") is None, reason="minari is not installed: srnn-tasks[robotics]"),
    pytest.mark.filterwarnings("ignore::UserWarning:minari"),
]
TOY = "toy/walk-v0"


@pytest.fixture
def episodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[np.ndarray, np.ndarray]]:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    return write_toy(TOY)


def opened(task: Minari):
    return task.open(device="cpu", generator=torch.Generator().manual_seed(0))


def numbers(task: Minari) -> dict[str, list[int]]:
    """Return the episodes of each split: of one pass, and of the held-out batches."""
    source, generator = opened(task), torch.Generator().manual_seed(3)
    held_out = {
        split: [n for batch in source.held_out(split, generator=generator) for n in batch.info["episode"].tolist()]
        for split in ("validation", "test")
    }
    rounds = source.epoch_batches(1)
    train = [int(batch.info["episode"]) for batch in islice(source.batches(1, generator=generator), rounds)]
    return {"train": train, **held_out}


@pytest.mark.parametrize("scaling", ["raw", "standard"])
def test_batches_are_the_episodes_of_the_data_set(episodes, scaling: str) -> None:
    task = Minari(dataset=TOY, scaling=scaling, validation=0.2, test=0.2)
    train = numbers(task)["train"]
    seen = np.concatenate([episodes[number][0][:-1] for number in train])
    mean, sd = (seen.mean(0), seen.std(0)) if scaling == "standard" else (np.zeros(3), np.ones(3))
    sd[sd < 1e-6] = 1.0
    source = opened(task)
    batch = next(source.batches(4, generator=torch.Generator().manual_seed(1)))
    assert batch.inputs.shape == (5, 4, 3) and batch.targets.shape == (5, 4, 2)
    for row, number in enumerate(batch.info["episode"].tolist()):
        observations, actions = episodes[number]
        steps = len(actions)
        assert steps == LENGTHS[number]
        expected = (observations[:-1] - mean) / sd
        np.testing.assert_allclose(batch.inputs[:steps, row], expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(batch.targets[:steps, row], actions, rtol=1e-6)
        assert batch.weight[:, row].tolist() == [1.0] * steps + [0.0] * (5 - steps)
        assert not batch.inputs[steps:, row].any() and not batch.targets[steps:, row].any()


def test_the_error_is_the_mean_over_the_steps_of_all_episodes(episodes) -> None:
    task = Minari(dataset=TOY, validation=0.3, test=0.3)
    scores = opened(task).evaluate(
        lambda x, *_: (x[..., :2] * 0.1, None), split="test", generator=torch.Generator().manual_seed(0)
    )
    squares = [
        (0.1 * observations[:-1, :2] - actions) ** 2
        for observations, actions in (episodes[number] for number in numbers(task)["test"])
    ]
    assert scores == {"mse": pytest.approx(np.concatenate(squares).mean(), rel=1e-5)}


def test_splits_are_apart_and_depend_on_their_seed(episodes) -> None:
    task = Minari(dataset=TOY, validation=0.2, test=0.3)
    parts = numbers(task)
    assert {name: len(part) for name, part in parts.items()} == {"train": 5, "validation": 2, "test": 3}
    assert sorted(chain.from_iterable(parts.values())) == list(range(10))
    few = numbers(task.model_copy(update={"train": 2}))
    assert set(few["train"]) < set(parts["train"])
    assert (few["validation"], few["test"]) == (parts["validation"], parts["test"])
    other = numbers(task.model_copy(update={"split_seed": 1}))
    assert other["test"] != parts["test"]


def test_only_the_first_episodes_are_read(episodes) -> None:
    parts = numbers(Minari(dataset=TOY, episodes=6))
    assert sorted(chain.from_iterable(parts.values())) == list(range(6))
    assert [len(parts[name]) for name in ("train", "validation", "test")] == [4, 1, 1]
    with pytest.raises(TaskError, match=r"expected at least episodes = 11 in data set 'toy/walk-v0'; it has 10"):
        opened(Minari(dataset=TOY, episodes=11))


def test_the_contract_holds_with_and_without_padding(episodes) -> None:
    check_task(Minari(dataset=TOY, scaling="standard"))
    write_toy("toy/even-v0", (4,) * 6)
    check_task(Minari(dataset="toy/even-v0"))
    assert next(opened(Minari(dataset="toy/even-v0")).batches(2, generator=torch.Generator())).weight is None


def test_more_training_episodes_than_are_left_are_refused(episodes) -> None:
    with pytest.raises(TaskError, match=r"train: expected at most the 8 of 10 episodes that .* leave; got 9"):
        opened(Minari(dataset=TOY, train=9))
    with pytest.raises(TaskError, match="train: expected at most the 0 of 2 episodes"):
        opened(Minari(dataset=TOY, episodes=2))


def test_spaces_that_are_not_flat_boxes_are_named(episodes) -> None:
    from gymnasium.spaces import Box, Discrete

    write_toy("toy/choice-v0", (), action_space=Discrete(3))
    with pytest.raises(TaskError, match=r"expected the action_space of 'toy/choice-v0' to be a Box .*; got Discrete"):
        opened(Minari(dataset="toy/choice-v0"))
    write_toy("toy/grid-v0", (), observation_space=Box(0, 1, (3, 3)))
    with pytest.raises(TaskError, match=r"expected the observation_space of 'toy/grid-v0' to be a Box of one dim"):
        opened(Minari(dataset="toy/grid-v0"))


def test_a_data_set_that_is_missing_or_broken_is_named(episodes, tmp_path: Path) -> None:
    task = Minari(dataset="toy/run-v3")
    assert task.data_set().place is None
    with pytest.raises(TaskError, match=r"expected the data set 'toy/run-v3' in .*MINARI_DATASETS_PATH.*minari downl"):
        opened(task)
    assert Minari(dataset=TOY).data_set().place == str(tmp_path / TOY)
    (tmp_path / TOY / "data" / "metadata.json").write_text("{")
    with pytest.raises(TaskError, match=r"Minari: data set 'toy/walk-v0' cannot be read: "):
        opened(Minari(dataset=TOY))


def test_without_minari_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "minari", None)
    with pytest.raises(TaskError, match=r"Minari requires minari .*: pip install 'srnn-tasks\[robotics\]'"):
        opened(Minari(dataset=TOY))
