"""The random walk against a slow oracle: one walk at a time, with vectors instead of angles modulo 2 pi."""

import math

import numpy as np
import pytest
import torch

from srnn_tasks.navigation import random_walk

WALLS = [np.array(normal, dtype=float) for normal in ((1, 0), (0, 1), (-1, 0), (0, -1))]


def slow_walk(
    position: np.ndarray,
    heading: float,
    turns: np.ndarray,
    lengths: np.ndarray,
    *,
    box: float,
    border: float,
    slow: float,
) -> tuple[np.ndarray, int]:
    """Return the positions of one walker, and how often it met the border rule."""
    positions, met = [position], 0
    for turn, length in zip(turns, lengths, strict=True):
        ahead = np.array([math.cos(heading), math.sin(heading)])
        distances = [box / 2 - float(normal @ position) for normal in WALLS]
        normal = WALLS[int(np.argmin(distances))]
        toward = float(ahead @ normal)
        if min(distances) < border and toward > 0:
            met += 1
            length = length * slow
            along = ahead - toward * normal  # what remains of the heading beside the wall
            position = position + length * ahead
            heading = math.atan2(along[1], along[0]) + turn
        else:
            position = position + length * ahead
            heading = heading + turn
        positions.append(position)
    return np.array(positions), met


@pytest.mark.parametrize(("box", "border", "slow"), [(2.2, 0.03, 0.25), (0.3, 0.05, 0.25), (0.2, 0.2, 0.0)])
def test_each_route_is_that_of_the_slow_walker(box: float, border: float, slow: float) -> None:
    steps, size, settings = 51, 100, {"dt": 0.02, "speed_scale": 0.8168, "turn_sd": 11.52}
    walk = random_walk(
        steps, size, box=box, border=border, border_speed=slow, generator=torch.Generator().manual_seed(1), **settings
    ).numpy()
    same = torch.Generator().manual_seed(1)  # the draws in their order: place, heading, turns, speeds
    place = (torch.rand(size, 2, generator=same).double().numpy() - 0.5) * box
    heading = torch.rand(size, generator=same).double().numpy() * 2 * math.pi
    turns = torch.randn(steps, size, generator=same).double().numpy() * 11.52 * 0.02
    lengths = np.sqrt(2 * torch.empty(steps, size).exponential_(generator=same).double().numpy()) * 0.8168 * 0.02
    total = 0
    for b in range(size):
        expected, met = slow_walk(
            place[b], float(heading[b]), turns[:, b], lengths[:, b], box=box, border=border, slow=slow
        )
        np.testing.assert_allclose(walk[:, b], expected, atol=1e-5, rtol=0)
        total += met
    assert total > 50  # the rule was applied


def test_the_draws_have_the_stated_distributions() -> None:
    free = random_walk(
        2, 200_000, box=2.0, dt=0.5, speed_scale=1.5, turn_sd=0.6, border=0.0, border_speed=0.25,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    start, first, second = free[0], free[1] - free[0], free[2] - free[1]
    assert start.abs().max() <= 1.0
    assert start.mean(0).abs().max() < 0.006  # sd of the mean .0013
    assert start.var(0).tolist() == pytest.approx([1 / 3, 1 / 3], rel=0.01)
    inside = (start.abs().amax(-1) < 1) & (first + start).abs().amax(-1).lt(1)  # beyond a wall the rule applies
    lengths = first[(start.abs().amax(-1) < 1)].norm(dim=-1)
    assert lengths.mean().item() == pytest.approx(0.75 * math.sqrt(math.pi / 2), rel=0.005)
    assert lengths.square().mean().item() == pytest.approx(2 * 0.75**2, rel=0.01)
    angles = torch.atan2(first[:, 1], first[:, 0])
    assert torch.histc(angles, 8, -math.pi, math.pi).div(200_000 / 8).sub(1).abs().max() < 0.03
    turn = torch.atan2(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0], (first * second).sum(-1))[inside]
    assert turn.std().item() == pytest.approx(0.3, rel=0.01)
    assert abs(turn.mean().item()) < 0.005
