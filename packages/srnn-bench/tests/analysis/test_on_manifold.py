"""Weights on a manifold, against plain loops."""

import math

import pytest
import torch

from srnn_bench import BenchError
from srnn_bench.analysis import weights_on_manifold
from srnn_manifolds import Circle, DifferenceOfGaussians, Moduli

RING = Moduli(manifold=Circle())


@pytest.fixture
def drawn():
    generator = torch.Generator().manual_seed(0)
    points = Circle().sample(30, generator=generator)
    weight = torch.randn(30, 30, generator=generator) * (torch.rand(30, 30, generator=generator) < 0.4)
    return points, weight


def ranks(values):
    """Mean ranks, ties sharing one."""
    return [
        sum(other < value for other in values) + (sum(other == value for other in values) + 1) / 2 for value in values
    ]


def correlation(a, b):
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    above = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    return above / math.sqrt(sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b))


def test_everything_is_what_a_loop_finds(drawn):
    points, weight = drawn
    one = weights_on_manifold(weight, points, RING, neuron=4)
    angles = [math.atan2(y, x) for x, y in points.double().tolist()]
    inhibitor = DifferenceOfGaussians()
    sizes, costs, cheap, all_, pairs = [], [], 0.0, 0.0, 0
    for j in range(30):
        for k in range(30):
            turn = abs(angles[j] - angles[k])
            distance = 5 * min(turn, 2 * math.pi - turn)
            cost = inhibitor.peak - 100 * (math.exp(-(distance**2) / 5) - math.exp(-4 * distance**2))
            size = abs(weight[j, k].item())
            assert one.distances[j, k].item() == pytest.approx(distance, abs=1e-5)
            assert one.costs[j, k].item() == pytest.approx(cost, abs=1e-2)
            assert one.sizes[j, k].item() == size
            sizes.append(size)
            costs.append(one.costs[j, k].item())  # rounding would part costs that are tied
            all_ += size
            if cost < inhibitor.peak / 2:
                cheap, pairs = cheap + size, pairs + 1
    column = [abs(weight[j, 4].item()) for j in range(30)]
    expected = [(size - min(column)) / (max(column) - min(column)) for size in column]
    assert one.out.tolist() == pytest.approx(expected, abs=1e-6)
    assert one.rank_correlation == pytest.approx(correlation(ranks(sizes), ranks(costs)), abs=1e-9)
    assert one.size_on_cheap == pytest.approx(cheap / all_) and one.cheap_pairs == pytest.approx(pairs / 900)


def test_means_by_distance_are_those_of_a_loop(drawn):
    points, weight = drawn
    one = weights_on_manifold(weight, points, RING)
    places, means = one.by_distance(bins=7)
    width = one.distances.max().item() / 7
    held = [[] for _ in range(7)]
    for distance, size in zip(one.distances.flatten().tolist(), one.sizes.flatten().tolist(), strict=True):
        held[min(6, int(distance / width))].append(size)
    mean = one.sizes.double().mean().item()
    assert places.tolist() == pytest.approx([(number + 0.5) * width for number in range(7) if held[number]])
    assert means.tolist() == pytest.approx([sum(values) / len(values) / mean for values in held if values])


def test_weights_that_follow_their_cost_are_distinguished_from_others(drawn):
    points, _ = drawn
    following = torch.exp(-RING.coefficients(points) / 20)
    assert weights_on_manifold(following, points, RING).rank_correlation == pytest.approx(-1, abs=1e-4)
    assert weights_on_manifold(1 / following, points, RING).rank_correlation == pytest.approx(1, abs=1e-4)
    placed = weights_on_manifold(following, points, RING)
    assert placed.size_on_cheap > 3 * placed.cheap_pairs


def test_a_sign_does_not_matter_and_nothing_is_divided_by_zero(drawn):
    points, weight = drawn
    assert (
        weights_on_manifold(-weight, points, RING).rank_correlation
        == weights_on_manifold(weight, points, RING).rank_correlation
    )
    empty = weights_on_manifold(torch.zeros(30, 30), points, RING)
    assert math.isnan(empty.rank_correlation) and math.isnan(empty.size_on_cheap) and not empty.out.any()


def test_a_weight_of_another_size_is_refused(drawn):
    with pytest.raises(BenchError, match=r"weight: expected shape \(30, 30\), got \(30, 29\)"):
        weights_on_manifold(torch.zeros(30, 29), drawn[0], RING)
