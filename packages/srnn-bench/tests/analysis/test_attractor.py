"""Known attractors hold, others do not, and the simulation is that of a plain loop."""

import math

import numpy as np
import pytest
import torch

from srnn_bench.analysis import BumpPersistence, attractor_weights, bump_persistence
from srnn_manifolds import Circle, Diffusion, Ricker


def ring(n):
    angles = torch.arange(n) * 2 * math.pi / n
    return Circle().pairwise(torch.stack([angles.cos(), angles.sin()], dim=1).double())


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("inhibition", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("gain", [1.0, 7.0])
def test_weights_fall_with_the_cost_and_have_the_gain(gain, inhibition):
    costs = Ricker()(ring(24))
    weights = attractor_weights(costs, gain=gain, inhibition=inhibition)
    assert np.linalg.eigvalsh(weights.numpy()).max() == pytest.approx(gain)
    assert float(weights.mean() / weights.std(correction=0)) == pytest.approx(-inhibition, abs=1e-9)
    line = np.polyfit(costs.flatten().numpy(), weights.flatten().numpy(), 1)
    assert line[0] < 0 and np.allclose(np.polyval(line, costs.numpy()), weights.numpy())


def loop(weights, distances, starts, steps):
    """Simulate one start after the other, one neuron after the other."""
    n = len(weights)
    ends = []
    for start in starts:
        rates = [max(0.0, weights[j][start]) for j in range(n)]
        rates = [rate / max(rates) for rate in rates]
        for _ in range(steps):
            drive = [sum(weights[j][k] * rates[k] for k in range(n)) for j in range(n)]
            rates = [0.8 * rate + 0.2 * math.tanh(max(0.0, each)) for rate, each in zip(rates, drive, strict=True)]
        total = sum(rates)
        cost = [sum(distances[j][k] ** 2 * rates[k] for k in range(n)) for j in range(n)]
        centre = cost.index(min(cost))
        spread = sum(distances[centre][k] * rates[k] for k in range(n)) / total / (sum(distances[centre]) / n)
        ends.append((max(rates) > 0.05, max(rates) > 0.05 and spread < 0.5, centre, distances[start][centre]))
    return ends


def test_the_simulation_is_that_of_a_loop():
    n = 12
    points = Circle().sample(n, generator=generator(1))
    distances = Circle().pairwise(points.double())
    weights = attractor_weights(Ricker(width=4)(distances), gain=6.0, inhibition=0.3)
    test = bump_persistence(weights, distances, generator=generator(2))
    draws = generator(2)
    torch.randn(n, n, generator=draws, dtype=torch.float64)  # the noise, which is drawn even if it is 0
    starts = torch.randint(n, (16,), generator=draws).tolist()
    ends = loop(weights.tolist(), distances.tolist(), starts, 500)
    bumps = [end for end in ends if end[1]]
    assert bumps
    mean = distances.mean().item()
    assert test.alive == pytest.approx(sum(end[0] for end in ends) / 16)
    assert test.bump == pytest.approx(len(bumps) / 16)
    assert test.drift == pytest.approx(sum(end[3] for end in bumps) / len(bumps) / mean)
    assert test.places == pytest.approx(len({end[2] for end in bumps}) / len(set(starts)))


def test_a_cosine_ring_holds_everywhere_and_a_weak_one_dies():
    distances = ring(64)
    cosine = torch.cos(distances / 5)
    strong = bump_persistence(attractor_weights(-cosine, gain=4.0, inhibition=0.0), distances, generator=generator())
    assert strong.holds and strong.drift == pytest.approx(0, abs=1e-6) and strong.places == 1
    weak = bump_persistence(attractor_weights(-cosine, gain=0.9, inhibition=0.0), distances, generator=generator())
    assert (weak.alive, weak.bump) == (0, 0) and math.isnan(weak.drift) and not weak.holds


def test_two_bumps_are_not_one():
    distances = ring(64)
    two = bump_persistence(
        attractor_weights(-torch.cos(2 * distances / 5), gain=4.0, inhibition=0.0), distances, generator=generator()
    )
    assert two.alive == 1 and two.bump == 0


def test_in_a_pit_all_bumps_move_to_one_place():
    distances = ring(64)
    weights = attractor_weights(Diffusion(power=1)(distances), gain=4.0, inhibition=0.0)
    pit = weights * (1 + 0.3 * torch.cos(distances[0] / 5))[:, None]
    test = bump_persistence(pit, distances, generator=generator())
    assert test.bump == 1 and test.drift > 0.5 and test.places < 0.4 and not test.holds


def test_noise_is_of_the_weights_and_of_the_generator():
    distances = ring(64)
    weights = attractor_weights(Diffusion()(distances), gain=4.0, inhibition=0.0)
    quiet = bump_persistence(weights, distances, generator=generator())
    noisy = [bump_persistence(weights, distances, noise=0.5, generator=generator(seed)) for seed in (0, 0, 1)]
    assert noisy[0] == noisy[1] != noisy[2] and quiet.drift < 1e-6 < noisy[0].drift
    scaled = bump_persistence(weights, 3 * distances, noise=0.5, generator=generator())
    assert scaled.drift == pytest.approx(noisy[0].drift), "in units of the mean distance"


@pytest.mark.parametrize(
    ("bump", "drift", "holds"),
    [(1.0, 0.0, True), (0.9, 0.1, True), (0.85, 0.0, False), (1.0, 0.11, False), (0.0, math.nan, False)],
)
def test_a_bump_holds_if_most_starts_do(bump, drift, holds):
    assert BumpPersistence(1.0, bump, drift, 1.0).holds == holds
