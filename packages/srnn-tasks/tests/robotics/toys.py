"""Data sets and environments that are small enough to check by hand."""

from typing import Any

import numpy as np

LENGTHS = (3, 5, 5, 2, 4, 5, 1, 5, 3, 4)  # steps of the episodes of the toy data set


def write_toy(dataset: str, lengths: tuple[int, ...] = LENGTHS, **spaces: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Write a data set with 3 observations and 2 actions, and return its observations and actions by episode."""
    import minari
    from gymnasium.spaces import Box
    from minari.data_collector import EpisodeBuffer

    random = np.random.default_rng(0)
    episodes = [(random.normal(1, 3, (n + 1, 3)), random.uniform(-1, 1, (n, 2))) for n in lengths]
    for observations, _ in episodes:
        observations[:, 2] = 7.0  # a constant
    buffers = [
        EpisodeBuffer(
            id=number,
            observations=observations,
            actions=actions,
            rewards=np.zeros(len(actions)),
            terminations=np.zeros(len(actions), bool),
            truncations=np.arange(len(actions)) == len(actions) - 1,
        )
        for number, (observations, actions) in enumerate(episodes)
    ]
    minari.create_dataset_from_buffers(
        dataset,
        buffers,
        **{
            "observation_space": Box(-np.inf, np.inf, (3,), np.float64),
            "action_space": Box(-1.0, 1.0, (2,), np.float64),
            **spaces,
        },
    )
    return episodes


class Counter:
    """An environment whose observation is the sum of the actions so far, after a start that depends on the seed.

    The reward is the observation. It ends after `limit` steps, or is terminated where the sum is above 10.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def reset(self, *, seed: int) -> tuple[np.ndarray, dict[str, Any]]:
        self.total, self.steps = float(seed), 0
        return np.array([self.total]), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        self.total, self.steps = self.total + float(action[0]), self.steps + 1
        info = {"success": np.bool_(self.total > 4)}
        return np.array([self.total]), self.total, self.total > 10, self.steps >= self.limit, info
