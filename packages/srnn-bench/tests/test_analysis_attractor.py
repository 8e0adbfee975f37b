"""Attractors that are known to hold do, others do not, and the simulation is that of a plain loop."""

import math

import numpy as np
import pytest
import torch

from srnn_bench.analysis import Persistence, persists, recurrent
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
    hold = recurrent(costs, gain=gain, inhibition=inhibition)
    assert np.linalg.eigvalsh(hold.numpy()).max() == pytest.approx(gain)
    assert float(hold.mean() / hold.std(correction=0)) == pytest.approx(-inhibition, abs=1e-9)
    line = np.polyfit(costs.flatten().numpy(), hold.flatten().numpy(), 1)
    assert line[0] < 0 and np.allclose(np.polyval(line, costs.numpy()), hold.numpy())


def loop(weights, distances, starts, steps):
    """One start after the other, one neuron after the other."""
    n = len(weights)
    found = []
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
        found.append((max(rates) > 0.05, max(rates) > 0.05 and spread < 0.5, centre, distances[start][centre]))
    return found


def test_the_simulation_is_that_of_a_loop():
    points = Circle().sample(20, generator=generator(1))
    distances = Circle().pairwise(points.double())
    hold = recurrent(Ricker(width=4)(distances), gain=6.0, inhibition=0.3)
    found = persists(hold, distances, starts=6, steps=40, generator=generator(2))
    source = generator(2)
    torch.randn(20, 20, generator=source, dtype=torch.float64)  # the noise, drawn though it counts for nothing
    starts = torch.randint(20, (6,), generator=source).tolist()
    expected = loop(hold.tolist(), distances.tolist(), starts, 40)
    bumps = [each for each in expected if each[1]]
    assert bumps
    mean = distances.mean().item()
    assert found.alive == pytest.approx(sum(each[0] for each in expected) / 6)
    assert found.bump == pytest.approx(len(bumps) / 6)
    assert found.drift == pytest.approx(sum(each[3] for each in bumps) / len(bumps) / mean)
    assert found.places == pytest.approx(len({each[2] for each in bumps}) / len(set(starts)))


def test_a_cosine_ring_holds_everywhere_and_a_weak_one_dies():
    distances = ring(64)
    cosine = torch.cos(distances / 5)
    held = persists(recurrent(-cosine, gain=4.0, inhibition=0.0), distances, generator=generator())
    assert held.holds and held.drift == pytest.approx(0, abs=1e-6) and held.places == 1
    weak = persists(recurrent(-cosine, gain=0.9, inhibition=0.0), distances, generator=generator())
    assert (weak.alive, weak.bump) == (0, 0) and math.isnan(weak.drift) and not weak.holds


def test_two_bumps_are_not_one():
    distances = ring(64)
    two = persists(recurrent(-torch.cos(2 * distances / 5), gain=4.0, inhibition=0.0), distances, generator=generator())
    assert two.alive == 1 and two.bump == 0


def test_a_pit_draws_all_bumps_to_one_place():
    distances = ring(64)
    hold = recurrent(Diffusion(power=1)(distances), gain=4.0, inhibition=0.0)
    pit = hold * (1 + 0.3 * torch.cos(distances[0] / 5))[:, None]
    found = persists(pit, distances, steps=3000, generator=generator())
    assert found.bump == 1 and found.drift > 0.5 and found.places < 0.4 and not found.holds


def test_noise_is_of_the_weights_and_of_the_generator():
    distances = ring(64)
    hold = recurrent(Diffusion()(distances), gain=4.0, inhibition=0.0)
    quiet = persists(hold, distances, generator=generator())
    noisy = [persists(hold, distances, noise=0.5, generator=generator(seed)) for seed in (0, 0, 1)]
    assert noisy[0] == noisy[1] != noisy[2] and quiet.drift < 1e-6 < noisy[0].drift
    scaled = persists(hold, 3 * distances, noise=0.5, generator=generator())
    assert scaled.drift == pytest.approx(noisy[0].drift), "in units of the mean distance"


@pytest.mark.parametrize(
    ("bump", "drift", "holds"),
    [(1.0, 0.0, True), (0.9, 0.1, True), (0.85, 0.0, False), (1.0, 0.11, False), (0.0, math.nan, False)],
)
def test_what_holds(bump, drift, holds):
    assert Persistence(1.0, bump, drift, 1.0).holds == holds
