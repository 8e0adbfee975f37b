"""Tests find clouds with a hole and no others; holes of known length have it."""

import math
from functools import partial

import pytest
import torch

from srnn_bench.analysis import CloudTest, cloud_test, largest_cluster, longest_bar, mixed_rows, permuted, share_on_ring
from srnn_manifolds import DifferenceOfGaussians, Diffusion, Euclidean, Sinusoid, Torus

SPACE = Euclidean(dim=3)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def square(side):
    return side * torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])


def octahedron(radius):
    return radius * torch.cat([torch.eye(3), -torch.eye(3)])


def polygon(n, radius):
    angles = torch.arange(n) * 2 * math.pi / n
    return radius * torch.stack([angles.cos(), angles.sin(), torch.zeros(n)], dim=1)


def turn(n):
    """Where the loop of a regular polygon dies: at the first triangle of corners that holds the centre; radius 1."""
    return 2 * math.sin(math.pi * math.ceil(n / 3) / n)


# points, dimension of the hole, its birth and death; a bar goes from the sides of the hole to what fills it
KNOWN = {
    "square": (square(1.0), 1, 1.0, math.sqrt(2)),
    "larger square": (square(7.0), 1, 7.0, 7 * math.sqrt(2)),
    "polygon": (polygon(10, 2.0), 1, 4 * math.sin(math.pi / 10), 2 * turn(10)),
    "octahedron": (octahedron(3.0), 2, 3 * math.sqrt(2), 6.0),
}


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("coeff", [2, 3])
def test_known_holes_have_their_length(name, coeff):
    points, dimension, birth, death = KNOWN[name]
    squares = [
        sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
        for i, a in enumerate(points.tolist())
        for j, b in enumerate(points.tolist())
        if i != j
    ]
    scale = math.sqrt(sum(squares) / len(squares))
    found = longest_bar(SPACE, points, dimension=dimension, coeff=coeff)
    assert found == pytest.approx((death - birth) / scale, rel=1e-6)


def test_the_longest_bar_is_of_its_manifold_and_has_no_unit():
    x = torch.arange(8) * 10 / 8
    line = torch.stack([x, torch.zeros(8)], dim=1)
    assert longest_bar(Torus(), line) > 0.3, "a line round the torus is a loop"
    assert longest_bar(Euclidean(dim=2), line) == 0
    cloud = SPACE.sample(40, generator=generator())
    assert longest_bar(SPACE, 5 * cloud + 3) == pytest.approx(longest_bar(SPACE, cloud), rel=1e-4)
    assert longest_bar(SPACE, torch.zeros(4, 3)) == 0


def tube(seed):
    noise = generator(seed)
    angles = 2 * math.pi * torch.rand(100, generator=noise)
    ring = torch.stack([angles.cos(), angles.sin(), torch.zeros(100)], dim=1)
    return 5 + 3 * ring + 0.3 * torch.randn(100, 3, generator=noise)


@pytest.mark.parametrize("null", ["law", "permuted"])
def test_a_noisy_circle_is_found_and_a_uniform_cloud_is_not(null):
    def test(points):
        draw = partial(permuted, points) if null == "permuted" else lambda each: SPACE.sample(100, generator=each)
        return cloud_test(points, draw, partial(longest_bar, SPACE), repeats=19, generator=generator(5))

    assert test(tube(0)).above == 1 / 20
    # p-values of clouds of the null hypothesis are spread over (0, 1]: six below 1 in 20 in a row are 1 of 64 million
    uniform = [test(SPACE.sample(100, generator=generator(seed))) for seed in range(1, 5)]
    assert max(each.above for each in uniform) > 0.2 and max(each.below for each in uniform) > 0.2


def test_p_values_count_what_is_as_extreme():
    test = CloudTest(2.0, (1.0, 2.0, 3.0, 0.5))
    assert (test.above, test.below) == (3 / 5, 4 / 5)
    assert CloudTest(9.0, (1.0,) * 99).above == 0.01 and CloudTest(9.0, (1.0,) * 99).below == 1.0


def test_clouds_are_drawn_one_after_the_other():
    points = SPACE.sample(20, generator=generator())
    test = cloud_test(
        points, partial(permuted, points), lambda each: each[0, 0].item(), repeats=6, generator=generator()
    )
    again = generator()
    assert test.observed == points[0, 0].item()
    assert list(test.null) == [permuted(points, again)[0, 0].item() for _ in range(6)] and len(set(test.null)) > 1


def test_permuted_keeps_each_coordinate_and_nothing_else():
    points = SPACE.sample(50, generator=generator())
    other = permuted(points, generator(1))
    assert torch.equal(other.sort(dim=0).values, points.sort(dim=0).values)
    rows = {tuple(row) for row in points.tolist()}
    assert sum(tuple(row) in rows for row in other.tolist()) < 5
    line = torch.arange(200.0)[:, None].expand(200, 2)
    assert abs(torch.corrcoef(permuted(line, generator(2)).T)[0, 1]) < 0.25


def test_mixed_rows_hold_coordinates_of_several_neurons():
    points = torch.tensor([[0, 10, 20], [1, 11, 21], [2, 12, 22], [3, 13, 23]])  # neuron + 10 axis
    mixed = mixed_rows(points)
    assert mixed.tolist() == [[0, 1, 2], [3, 10, 11], [12, 13, 20], [21, 22, 23]]
    # the slip: a file whose rows are these, read as (coordinates, n), gives the true points back
    assert torch.equal(mixed.reshape(3, 4).T, points)


@pytest.mark.parametrize("inhibitor", [DifferenceOfGaussians(), Sinusoid()], ids=lambda value: value.kind)
def test_pairs_on_the_ring_are_those_of_a_loop(inhibitor):
    points = Torus().sample(60, generator=generator())
    count = 0
    for i in range(60):
        for j in range(i):
            gaps = [abs(a - b) % 10 for a, b in zip(points[i].tolist(), points[j].tolist(), strict=True)]
            distance = math.hypot(*(min(gap, 10 - gap) for gap in gaps))
            if isinstance(inhibitor, Sinusoid):
                count += 50 + 50 * math.cos(2 * distance) < 50
            else:
                count += 81.1421 - 100 * (math.exp(-(distance**2) / 5) - math.exp(-4 * distance**2)) < 40.571
    assert share_on_ring(Torus(), points, inhibitor) == pytest.approx(count / (60 * 59 / 2))


def test_far_costs_more_has_no_ring():
    assert share_on_ring(SPACE, SPACE.sample(9, generator=generator()), Diffusion()) == 0


def test_the_largest_cluster_is_what_steps_connect():
    x = torch.tensor([9.5, 0.2, 0.9, 4.0, 4.5, 5.1, 5.9, 7.5, 3.0])
    line = torch.stack([x, torch.full((9,), 2.0)], dim=1)
    assert largest_cluster(Torus(), line, 0.85).nonzero()[:, 0].tolist() == [3, 4, 5, 6]
    assert largest_cluster(Torus(), line, 0.75).nonzero()[:, 0].tolist() == [0, 1, 2], (
        "round the seam; a tie: the first"
    )
    assert largest_cluster(Euclidean(dim=2), line, 0.75).nonzero()[:, 0].tolist() == [3, 4, 5]
    assert largest_cluster(Torus(), line, 1.01).nonzero()[:, 0].tolist() == [3, 4, 5, 6, 8]
    assert largest_cluster(Torus(), line, 5.0).all() and largest_cluster(Torus(), line, 0.1).sum() == 1
