"""Roll-outs: a policy acts in several environments in lockstep, with one call for all of them at each step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

TOGETHER = 25  # environments that step in lockstep; each takes about 15 MB
NAIL_STEPS = 25  # an episode is solved if the nail is in for more steps than this


class Policy(Protocol):
    """A policy with a state."""

    def __call__(self, observations: NDArray[np.float64], state: Any) -> tuple[NDArray[np.float32], Any]:
        """Return the actions `(B, O)` for observations `(B, I)` and the next state; the first state is None."""
        ...


@dataclass(frozen=True, eq=False)
class Rollout:
    """One episode of T steps in an environment.

    seed: of its reset. observations: `(T + 1, I)`. actions: `(T, O)`. rewards: `(T,)`. success: `(T,)` bool, the entry
    "success" of the environment's info. terminated: whether the environment ended the episode, not its time limit.
    """

    seed: int
    observations: NDArray[np.float64]
    actions: NDArray[np.float32]
    rewards: NDArray[np.float64]
    success: NDArray[np.bool_]
    terminated: bool

    @property
    def total_reward(self) -> float:
        """The sum of all rewards, not discounted."""
        return float(self.rewards.sum())

    @property
    def solved(self) -> bool:
        """Whether there was success in more than 25 steps: for the hammer, whether the nail was in for so long."""
        return int(self.success.sum()) > NAIL_STEPS


def roll_out(policy: Policy, environments: Sequence[Any], seeds: Sequence[int]) -> list[Rollout]:
    """Return one episode per seed, in order.

    As many episodes as there are `environments` proceed in lockstep; each ends when its environment ends it. Vector
    environments are not used, because Gymnasium 0.29 and 1.x reset them at different steps. An action that is not
    finite is not executed: the environment gets 0, and the reward of the step is NaN.
    """
    episodes: list[Rollout] = []
    for first in range(0, len(seeds), len(environments)):
        group = seeds[first : first + len(environments)]
        episodes += _in_lockstep(policy, environments[: len(group)], group)
    return episodes


def _in_lockstep(policy: Policy, environments: Sequence[Any], seeds: Sequence[int]) -> list[Rollout]:
    traces = [
        _Trace(environment, seed, environment.reset(seed=seed)[0])
        for environment, seed in zip(environments, seeds, strict=True)
    ]
    state = None
    while any(trace.running for trace in traces):
        observations = np.stack([trace.observations[-1] for trace in traces])  # (B, I)
        actions, state = policy(observations, state)  # (B, O)
        for trace, action in zip(traces, actions, strict=True):
            if trace.running:
                trace.step(action)
    return [trace.rollout() for trace in traces]


class _Trace:
    """An episode that is running."""

    def __init__(self, environment: Any, seed: int, observation: NDArray[np.float64]) -> None:
        self.environment, self.seed = environment, seed
        self.observations = [observation]
        self.actions: list[NDArray[np.float32]] = []
        self.rewards: list[float] = []
        self.success: list[bool] = []
        self.running, self.terminated = True, False

    def step(self, action: NDArray[np.float32]) -> None:
        finite = bool(np.isfinite(action).all())
        executed = action if finite else np.zeros_like(action)
        observation, reward, terminated, truncated, info = self.environment.step(executed)
        self.observations.append(observation)
        self.actions.append(action)
        self.rewards.append(float(reward) if finite else float("nan"))
        self.success.append(bool(info["success"]))
        self.running, self.terminated = not (terminated or truncated), bool(terminated)

    def rollout(self) -> Rollout:
        return Rollout(
            seed=self.seed,
            observations=np.stack(self.observations),
            actions=np.stack(self.actions),
            rewards=np.asarray(self.rewards),
            success=np.asarray(self.success),
            terminated=self.terminated,
        )
