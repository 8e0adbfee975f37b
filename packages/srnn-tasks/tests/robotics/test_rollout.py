"""Roll-outs in lockstep, in an environment that is computed by hand. Needs no extra."""

from typing import Any

import numpy as np
import pytest

from srnn_tasks.robotics import roll_out

from .toys import Counter


def plus_calls(observations: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
    """Add, at each step, the number of steps so far."""
    state = np.zeros(len(observations)) if state is None else state
    return (state + 1)[:, None].astype(np.float32), state + 1


@pytest.mark.parametrize("together", [1, 2, 3, 5])
def test_episodes_do_not_depend_on_how_many_proceed_together(together: int) -> None:
    seeds = [3, 0, 9, 1, 20]
    rollouts = roll_out(plus_calls, [Counter(4) for _ in range(together)], seeds)
    assert [rollout.seed for rollout in rollouts] == seeds
    for rollout in rollouts:
        total, totals = float(rollout.seed), []
        for step in range(1, 5):  # the environment adds 1, 2, 3, 4
            total += step
            totals.append(total)
            if total > 10:
                break
        assert rollout.rewards.tolist() == totals
        assert rollout.observations[:, 0].tolist() == [rollout.seed, *totals]
        assert rollout.actions[:, 0].tolist() == list(range(1, len(totals) + 1))
        assert rollout.success.tolist() == [each > 4 for each in totals]
        assert rollout.terminated == (totals[-1] > 10)
        assert rollout.total_reward == sum(totals)
        assert not rollout.solved


def test_an_episode_is_solved_after_more_than_25_successful_steps() -> None:
    def still(observations: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        return np.zeros((len(observations), 1), np.float32), None

    solved = [roll_out(still, [Counter(limit)], [5])[0].solved for limit in (25, 26)]
    assert solved == [False, True]


def test_an_action_that_is_not_finite_is_not_executed() -> None:
    def broken(observations: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        step = 0 if state is None else state
        return np.array([[np.nan if step == 1 else 1.0], [1.0]], np.float32), step + 1

    first, second = roll_out(broken, [Counter(3), Counter(3)], [0, 0])
    assert first.observations[:, 0].tolist() == [0, 1, 1, 2]
    assert np.isnan(first.rewards).tolist() == [False, True, False]
    assert np.isnan(first.total_reward)
    assert second.total_reward == 1 + 2 + 3
