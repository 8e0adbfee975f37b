"""Recording of expert data for the hammer task, stored as a Minari data set with the environment that made it."""

import importlib
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..contract import TaskError
from ._episodes import datasets_folder, search
from ._expert import Expert
from ._packages import gymnasium_of, minari_of, simulator_versions
from ._rollout import TOGETHER, Rollout, roll_out

ENVIRONMENT = "AdroitHandHammer-v1"
Actions = Literal["mean", "noisy"]


def recorded_id(episodes: int, actions: Actions) -> str:
    """Return the id of a recorded data set, such as `adroit-hammer/dapg-mean-500-v0`."""
    return f"adroit-hammer/dapg-{actions}-{episodes}-v0"


def record(episodes: int, *, actions: Actions = "mean") -> str:
    """Record episodes of the expert in `AdroitHandHammer-v1`, 200 steps each, and return the id of the data set.

    Episode e is that of seed e. The data set is a folder of `MINARI_DATASETS_PATH` (default `~/.minari/datasets`) and
    appears there when it is complete; it takes about 0.3 s per episode on one core. One that is there and was made by
    the installed versions of MuJoCo and gymnasium-robotics is kept, and one that others made is replaced.

    episodes: 5,000 in the paper. actions: `mean`, or `noisy` for the policy's own exploration noise: the recorded
    action is the one that was executed, the mean plus noise, clipped to [-1, 1].

    Raises a TaskError if `episodes` is below 1, a package of the extra `[robotics]` is missing, or the policy is not
    found (see `Expert`).
    """
    if episodes < 1:
        raise TaskError(f"episodes: expected at least 1; got {episodes}")
    if actions not in ("mean", "noisy"):
        raise TaskError(f"actions: expected 'mean' or 'noisy'; got {actions!r}")
    minari, gymnasium = minari_of("record"), gymnasium_of("record")
    dataset = recorded_id(episodes, actions)
    place = search(dataset, dataset).place
    if place is not None and made_by_others(minari.load_dataset(dataset)) is None:
        return dataset
    expert = Expert()
    environments = [gymnasium.make(ENVIRONMENT) for _ in range(min(episodes, TOGETHER))]
    rollouts: list[Rollout] = []
    for first in range(0, episodes, TOGETHER):
        seeds = range(first, min(first + TOGETHER, episodes))
        rollouts += roll_out(_Recorded(expert, actions, seeds), environments, seeds)
    with _staged(dataset), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`author_email` is set to None")
        minari.create_dataset_from_buffers(
            dataset,
            [_buffer(number, rollout) for number, rollout in enumerate(rollouts)],
            env=environments[0].spec,
            eval_env=environments[0].spec,
            algorithm_name=f"DAPG policy, {actions} actions",
            author="recorded by srnn-tasks",
            code_permalink="https://github.com/aravindr93/hand_dapg",
            description=f"The hammer policy of Rajeswaran et al. (2018), arXiv 1709.10087, in {ENVIRONMENT}",
            requirements=list(simulator_versions()),
        )
    return dataset


def made_by_others(data: Any) -> str | None:
    """Return which versions of the simulator made a recorded data set, if they are not those installed, or None."""
    made = tuple(data.storage.metadata.get("requirements", ()))
    return None if made == simulator_versions() else ", ".join(made) or "unknown versions"


class _Recorded:
    """The expert as a policy for one group of seeds. An episode depends on its seed alone, not on its group."""

    def __init__(self, expert: Expert, actions: Actions, seeds: range) -> None:
        self.expert = expert
        self.noise = [np.random.default_rng(seed) for seed in seeds] if actions == "noisy" else []

    def __call__(self, observations: NDArray[np.float64], state: Any) -> tuple[NDArray[np.float32], Any]:
        # one row at a time: the rounding of a matrix product depends on how many rows it has
        means = np.concatenate([self.expert.mean(each[None]) for each in observations])  # (B, 26)
        for mean, generator in zip(means, self.noise, strict=False):
            mean += self.expert.noise * generator.standard_normal(len(mean))
        return np.clip(means, -1, 1).astype(np.float32), None


def _buffer(number: int, rollout: Rollout) -> Any:
    # a whole buffer: adding step by step needs jax
    buffer = importlib.import_module("minari.data_collector").EpisodeBuffer
    steps = len(rollout.rewards)
    last = np.arange(steps) == steps - 1
    return buffer(
        id=number,
        seed=rollout.seed,
        observations=rollout.observations,
        actions=rollout.actions,
        rewards=rollout.rewards,
        terminations=last & rollout.terminated,
        truncations=last & (not rollout.terminated),
        infos={"success": np.concatenate([[False], rollout.success])},
    )


@contextmanager
def _staged(dataset: str) -> Iterator[None]:
    """Let Minari write the data set in a hidden folder, and move it to its place when it is complete."""
    root = datasets_folder()
    staging = root / f".recording-{os.getpid()}"
    before = os.environ.get("MINARI_DATASETS_PATH")
    os.environ["MINARI_DATASETS_PATH"] = str(staging)
    try:
        yield
        _move(staging / dataset, root / dataset)
    finally:
        if before is None:
            del os.environ["MINARI_DATASETS_PATH"]
        else:
            os.environ["MINARI_DATASETS_PATH"] = before
        shutil.rmtree(staging, ignore_errors=True)


def _move(new: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        shutil.rmtree(place)
    new.rename(place)
