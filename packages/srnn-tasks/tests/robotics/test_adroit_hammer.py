"""The hammer task: recorded data, roll-outs in MuJoCo, and what is said where something is missing."""

import os
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from srnn_tasks import AdroitHammer, Batch, Minari, TaskError, adapt
from srnn_tasks.robotics import Expert, record, roll_out

pytestmark = [
    pytest.mark.skipif("SRNN_DATA" not in os.environ, reason="SRNN_DATA is not set: no data files"),
    pytest.mark.skipif(
        find_spec("minari") is None or find_spec("mujoco") is None, reason="srnn-tasks[robotics] is not installed"
    ),
]
HAMMER = AdroitHammer(episodes=60, rollouts=2)
# the scores of the policy that its data set states, for the first episodes: how many, and mean and deviation of return
STATED = {"1.2.4": (50, 16298.7, 176.7), "1.4.2": (20, 16314.0, 221.2)}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def opened(task: AdroitHammer):
    return task.open(device="cpu", generator=generator())


def data(dataset: str):
    import minari

    return minari.load_dataset(dataset)


def recurrent(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return adapt(nn.GRU(46, 16), readout=nn.Linear(16, 26))


# --- the recorded data ---


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the data sets of one test."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "sets"))
    return tmp_path / "sets"


def test_the_data_set_reloads_equal_and_its_environment_replays_it(recorded: Path) -> None:
    held = data("adroit-hammer/dapg-mean-60-v0")
    assert held.total_episodes == 60 and held.total_steps == 60 * 200
    environment = held.recover_environment()
    for number in (0, 59):
        episode = held[number]
        assert episode.observations.shape == (201, 46) and episode.actions.shape == (200, 26)
        observations, rewards = [environment.reset(seed=number)[0]], []
        for action in episode.actions:
            assert not rewards or action in environment.action_space
            observation, reward, terminated, truncated, _ = environment.step(action)
            observations.append(observation)
            rewards.append(reward)
        assert truncated and not terminated
        assert episode.truncations.tolist() == [False] * 199 + [True] and not episode.terminations.any()
        np.testing.assert_array_equal(observations, episode.observations)
        np.testing.assert_array_equal(rewards, episode.rewards)
    # each action is that of the policy at the observation before it
    np.testing.assert_allclose(Expert()(episode.observations[:-1]), episode.actions, rtol=1e-5, atol=1e-6)


def test_the_expert_scores_as_stated(recorded: Path) -> None:
    stated = STATED.get(version("gymnasium-robotics"))
    if stated is None:
        pytest.skip(f"no scores are stated for gymnasium-robotics {version('gymnasium-robotics')}")
    count, mean, deviation = stated
    held = data("adroit-hammer/dapg-mean-60-v0")
    episodes = [held[number] for number in range(count)]
    assert all(episode.infos["success"].sum() > 25 for episode in episodes)
    returns = [episode.rewards.sum() for episode in episodes]
    # another processor rounds differently, and a contact amplifies that
    assert np.mean(returns) == pytest.approx(mean, abs=3 * deviation / count**0.5)
    assert np.std(returns) == pytest.approx(deviation, rel=0.5)


def test_an_episode_depends_on_its_seed_alone(own_folder: Path) -> None:
    few, many = data(record(2, actions="noisy")), data(record(3, actions="noisy"))
    for number in range(2):
        np.testing.assert_array_equal(few[number].observations, many[number].observations)
        np.testing.assert_array_equal(few[number].actions, many[number].actions)
    assert not np.array_equal(many[1].actions, many[2].actions)
    expert, episode = Expert(), many[2]
    noise = episode.actions - expert.mean(episode.observations[:-1])  # (200, 26)
    inside = np.abs(episode.actions) < 1  # the others are clipped
    spread = [column[kept].std() for column, kept in zip(noise.T, inside.T, strict=True) if kept.sum() > 150]
    wanted = [sd for sd, kept in zip(expert.noise, inside.T, strict=True) if kept.sum() > 150]
    assert len(wanted) > 5
    np.testing.assert_allclose(spread, wanted, rtol=0.3)


def test_a_record_is_kept_and_one_of_another_simulator_is_refused(own_folder: Path) -> None:
    name = record(1)
    file = own_folder / name / "data" / "metadata.json"
    before = file.stat().st_mtime_ns
    assert record(1) == name == "adroit-hammer/dapg-mean-1-v0"
    assert file.stat().st_mtime_ns == before
    assert [path.name for path in own_folder.iterdir()] == ["adroit-hammer"], "nothing else is left behind"
    file.write_text(file.read_text().replace(f"mujoco=={version('mujoco')}", "mujoco==0.0.1"))
    with pytest.raises(TaskError, match=r"recorded with .*mujoco==0\.0\.1\. To record it: .*record\(1\)"):
        opened(AdroitHammer(episodes=1))
    record(1)
    assert file.stat().st_mtime_ns != before and "mujoco==0.0.1" not in file.read_text()


@pytest.mark.parametrize(("field", "value"), [("episodes", 0), ("actions", "best")])
def test_arguments_of_record_are_named(field: str, value: object) -> None:
    with pytest.raises(TaskError, match=rf"^{field}: expected .* got {value!r}"):
        record(**{"episodes": 1, field: value})


# --- roll-outs ---


def test_a_roll_out_carries_the_state_as_if_the_history_were_replayed(recorded: Path) -> None:
    source, model = opened(HAMMER.model_copy(update={"scaling": "standard"})), recurrent()
    rollouts = source.roll_out(model, [5, 8, 13])
    assert [rollout.seed for rollout in rollouts] == [5, 8, 13]
    for rollout in rollouts:
        assert rollout.actions.shape == (200, 26)
        inputs = source.scaled(torch.from_numpy(rollout.observations[:-1]).float())[:, None]  # (200, 1, 46)
        with torch.no_grad():
            outputs, _ = model(inputs)  # (200, 1, 26)
        np.testing.assert_allclose(outputs[:, 0].clamp(-1, 1).numpy(), rollout.actions, rtol=1e-4, atol=1e-5)
    assert not np.array_equal(rollouts[0].actions, rollouts[1].actions)


def test_evaluation_measures_roll_outs_on_the_test_split_only(recorded: Path) -> None:
    source, model = opened(HAMMER), recurrent()
    assert [metric.name for metric in source.spec.metrics] == ["mse", "return", "success"]
    assert source.spec.measured("validation") == ("mse",)
    assert set(source.evaluate(model, split="validation", generator=generator())) == {"mse"}
    scores = source.evaluate(model, split="test", generator=generator(4))
    seeds = torch.randint(2**31, (2,), generator=generator(4)).tolist()
    rollouts = source.roll_out(model, seeds)
    assert scores["return"] == pytest.approx(np.mean([rollout.rewards.sum() for rollout in rollouts]))
    assert scores["success"] == 0.0
    none = opened(HAMMER.model_copy(update={"rollouts": 0}))
    assert none.evaluate(model, split="test", generator=generator(4)) == {"mse": scores["mse"]}


def test_the_expert_as_a_model_has_no_error_and_succeeds(recorded: Path) -> None:
    expert = Expert()

    def model(inputs: torch.Tensor, start: object = None, state: object = None) -> tuple[torch.Tensor, None]:
        flat = expert(inputs.flatten(0, 1).double().numpy())  # (T * B, 26)
        return torch.from_numpy(flat).view(*inputs.shape[:2], 26), None

    scores = opened(HAMMER).evaluate(model, split="test", generator=generator())
    assert scores["mse"] < 1e-8
    assert scores["success"] == 1.0
    assert scores["return"] > 14_000


def test_a_model_with_a_memory_but_no_state_is_refused(recorded: Path) -> None:
    class Running(nn.Module):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return inputs.cumsum(0)[..., :26]

    with pytest.raises(TaskError, match="model: expected a state, as its output at the second step depends on the fi"):
        opened(HAMMER).evaluate(adapt(Running()), split="test", generator=generator())


def test_a_perceptron_learns_to_solve_the_task_from_50_episodes(recorded: Path) -> None:
    source = opened(HAMMER.model_copy(update={"scaling": "standard", "train": 50}))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(46, 128), nn.Tanh(), nn.Linear(128, 128), nn.Tanh(), nn.Linear(128, 26))
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    steps = 1500
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    stream = source.batches(10, generator=generator(1))
    for _ in range(steps):
        batch: Batch = next(stream)
        optimizer.zero_grad()
        source.loss(network(batch.inputs), batch).backward()
        optimizer.step()
        schedule.step()
    rollouts = source.roll_out(adapt(network), range(1000, 1020))
    assert sum(rollout.solved for rollout in rollouts) >= 18, [rollout.total_reward for rollout in rollouts]


def test_a_recovered_environment_takes_any_policy(recorded: Path) -> None:
    environment = data("adroit-hammer/dapg-mean-60-v0").recover_environment()
    still = roll_out(lambda x, state: (np.zeros((len(x), 26), np.float32), None), [environment], [0])[0]
    assert not still.solved and still.total_reward < 0


# --- what is missing ---


@pytest.mark.parametrize("module", ["minari", "mujoco", "gymnasium_robotics", "h5py"])
def test_without_a_package_the_error_names_the_extra(module: str, recorded: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(TaskError, match=rf"AdroitHammer requires {module} .*: pip install 'srnn-tasks\[robotics\]'"):
        opened(HAMMER)


def test_without_the_data_the_error_says_how_to_record_or_download_them(own_folder: Path) -> None:
    assert AdroitHammer().data_set().place is None
    with pytest.raises(TaskError, match=r"'adroit-hammer/dapg-mean-500-v0' in .*sets.*import record; record\(500\)"):
        opened(AdroitHammer())
    with pytest.raises(TaskError, match=r"record\(7, actions='noisy'\)"):
        opened(AdroitHammer(episodes=7, expert="noisy"))
    with pytest.raises(TaskError, match=r"minari download D4RL/hammer/expert-v2"):
        opened(AdroitHammer(expert="d4rl"))


def test_without_the_policy_nothing_can_be_recorded(own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SRNN_DATA")
    with pytest.raises(TaskError, match=r"Set SRNN_DATA to the folder that has adroit-hammer/"):
        record(1)


def test_a_data_set_of_another_task_is_refused(recorded: Path, own_folder: Path) -> None:
    from .toys import write_toy

    with pytest.warns(UserWarning):
        write_toy("D4RL/hammer/expert-v2")
    with pytest.raises(TaskError, match=r"expected 46 observations and 26 actions in data set 'D4RL/.*; got 3 and 2"):
        opened(AdroitHammer(expert="d4rl", episodes=10))


def test_the_outline_is_that_of_the_opened_task(recorded: Path) -> None:
    source, outline = opened(HAMMER), HAMMER.outline(16)
    batch = next(source.batches(16, generator=generator()))
    assert (outline.inputs, outline.outputs) == (source.spec.inputs, source.spec.outputs)
    assert (outline.steps, outline.epoch_batches) == (batch.steps, source.epoch_batches(16))
    minari = Minari(dataset=HAMMER.dataset).open(device="cpu", generator=generator())
    other = next(minari.batches(16, generator=generator()))
    assert torch.equal(other.inputs, batch.inputs), "AdroitHammer without roll-outs is Minari on its data set"
