"""Persistence against known Betti numbers, regular polygons, and spanning trees."""

import math
import sys

import pytest
import torch
from scipy.sparse.csgraph import minimum_spanning_tree

from srnn_manifolds import (
    Circle,
    Diagrams,
    Euclidean,
    KleinBottle,
    ManifoldError,
    Sphere,
    Torus,
    betti,
    farthest_points,
    persistence,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def spread(manifold, n, seed):
    return farthest_points(manifold, manifold.sample(2000, generator=seeded(seed)), n)


@pytest.mark.parametrize(
    "manifold, coeff, numbers",
    [
        (Torus(), 2, (1, 2, 1)),
        (Torus(), 3, (1, 2, 1)),
        (KleinBottle(), 2, (1, 2, 1)),
        (KleinBottle(), 3, (1, 1, 0)),
        (Circle(), 2, (1, 1, 0)),
        (Sphere(), 2, (1, 0, 1)),
        (Sphere(), 3, (1, 0, 1)),
    ],
    ids=str,
)
def test_betti_numbers_distinguish_the_manifolds(manifold, coeff, numbers):
    points = spread(manifold, 150, seed=0)
    diagrams = persistence(manifold.pairwise(points), max_dimension=2, coeff=coeff)
    assert diagrams.coeff == coeff
    assert betti(diagrams, 2.0) == numbers


@pytest.mark.parametrize("n", [7, 12, 40])
def test_a_regular_polygon(n):
    """The hole is born at the distance of neighbours, and dies when three points span the circle."""
    angles = torch.arange(n, dtype=torch.float64) * 2 * math.pi / n
    diagrams = persistence(Circle(radius=1).pairwise(torch.stack([angles.cos(), angles.sin()], dim=-1)))
    step = 2 * math.pi / n
    longest = max(diagrams.bars[1].tolist(), key=lambda bar: bar[1] - bar[0])
    assert longest == pytest.approx([step, math.ceil(n / 3) * step], rel=1e-6)
    assert len(diagrams.bars) == 2
    assert betti(diagrams, [7 * step, step / 2]) == (1, 1)


@pytest.mark.parametrize("manifold", [Torus(), Sphere(), Euclidean()], ids=str)
def test_components_die_along_the_minimal_spanning_tree(manifold):
    distances = manifold.pairwise(manifold.sample(50, generator=seeded()))
    (bars,) = persistence(distances, max_dimension=0).bars
    tree = minimum_spanning_tree(distances.double().numpy()).data
    deaths = bars[:, 1].sort().values
    assert (bars[:, 0] == 0).all()
    assert deaths[-1] == math.inf
    torch.testing.assert_close(deaths[:-1], torch.from_numpy(tree).sort().values)


def test_arrays_and_tensors_give_the_same_diagrams():
    distances = Torus().pairwise(Torus().sample(20, generator=seeded()))
    one, other = persistence(distances), persistence(distances.numpy())
    assert all(torch.equal(a, b) for a, b in zip(one.bars, other.bars, strict=True))
    assert [bars.dtype for bars in one.bars] == [torch.float64] * 2
    assert persistence(distances.requires_grad_()).bars[0].shape == (20, 2)


def test_every_prime_that_is_accepted_gives_the_holes():
    distances = KleinBottle().pairwise(spread(KleinBottle(), 80, seed=0))
    for coeff in (p for p in range(2, 128) if all(p % divisor for divisor in range(2, p))):
        assert betti(persistence(distances, coeff=coeff), 2.0) == ((1, 2) if coeff == 2 else (1, 1))


def test_bars_are_numbers_of_the_distances_at_any_scale():
    """Ripser alone would round them to float32, and lose those of the last three scales."""
    points = spread(KleinBottle(), 40, seed=0).double()
    distances = KleinBottle().pairwise(points)
    expected = persistence(distances, max_dimension=2).bars
    for scale in (1.0, 3.0, 1e-40, 1e-300, 1e300):
        scaled = distances * scale
        known = {0.0, math.inf, *scaled.flatten().tolist()}
        for bars, as_expected in zip(persistence(scaled, max_dimension=2).bars, expected, strict=True):
            assert len(bars) > 0
            assert set(bars.flatten().tolist()) <= known
            torch.testing.assert_close(bars / scale, as_expected, rtol=1e-12, atol=0)


def test_distances_that_differ_in_float64_only():
    distances = torch.tensor([[0, 1, 2], [1, 0, 1 + 1e-12], [2, 1 + 1e-12, 0]], dtype=torch.float64)
    assert persistence(distances).bars[0].tolist() == [[0, 1], [0, 1 + 1e-12], [0, math.inf]]


def test_points_in_two_parts_at_infinite_distance():
    distances = torch.full((4, 4), math.inf)
    distances[:2, :2], distances[2:, 2:] = 1, 2
    distances.fill_diagonal_(0)
    assert persistence(distances).bars[0].tolist() == [[0, 1], [0, 2], [0, math.inf], [0, math.inf]]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_points_have_no_holes_of_high_dimension(n):
    distances = torch.ones(n, n) - torch.eye(n)
    bars = persistence(distances, max_dimension=40).bars
    assert [len(each) for each in bars] == [n] + [0] * 40
    assert all(each.shape[1] == 2 for each in bars)


@pytest.mark.parametrize("n, highest", [(300, 6), (60, 21)])
def test_more_simplices_than_ripser_can_number_are_refused(n, highest):
    """Ripser has 55 bits, and ends the process where they do not suffice."""
    assert math.comb(n, highest + 2) < 2**55 <= math.comb(n, highest + 3)
    distances = Circle().pairwise(Circle().sample(n, generator=seeded()))
    with pytest.raises(
        ManifoldError, match=rf"max_dimension: .* of {n} points up to dimension {highest + 2}; expected"
    ):
        persistence(distances, max_dimension=highest + 1)


def test_betti_counts_bars_longer_than_a_length():
    bars = (torch.tensor([[0.0, math.inf], [0.0, 1.0]]), torch.tensor([[1.0, 3.0], [2.0, 2.5], [0.0, 2.0]]))
    diagrams = Diagrams(bars, 2)
    assert betti(diagrams, 0.4) == (2, 3)
    assert betti(diagrams, 1) == (1, 2)
    assert betti(diagrams, 2) == (1, 0)
    assert betti(diagrams, (0.5, 0.5)) == (2, 2)
    assert betti(diagrams, [2, 0.1]) == (1, 3)
    with pytest.raises(ManifoldError, match=r"longer_than: expected one number or 2, got \[1\]"):
        betti(diagrams, [1])


@pytest.mark.parametrize("manifold", [Torus(), Sphere()], ids=str)
def test_farthest_points_by_a_plain_loop(manifold):
    points = manifold.sample(60, generator=seeded())
    d = manifold.pairwise(points).tolist()
    kept = [0]
    while len(kept) < 15:
        kept.append(max(range(60), key=lambda i: min(d[i][j] for j in kept)))
    assert torch.equal(farthest_points(manifold, points, 15), points[kept])
    assert torch.equal(farthest_points(manifold, points, 1), points[:1])
    assert len(set(map(tuple, farthest_points(manifold, points, 60).tolist()))) == 60


def test_without_ripser_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ripser", None)
    with pytest.raises(ManifoldError, match=r"srnn-manifolds\[topology\]"):
        persistence(torch.zeros(3, 3))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: persistence(torch.zeros(3, 2)), r"distances: expected shape \(n, n\), got \(3, 2\)"),
        (lambda: persistence(torch.zeros(3)), r"distances: expected shape \(n, n\), got \(3,\)"),
        (lambda: persistence(torch.zeros(0, 0)), r"distances: expected shape"),
        (lambda: persistence(torch.tensor([[0.0, 1.0], [2.0, 0.0]])), "distances: expected a symmetric"),
        (lambda: persistence(torch.eye(2)), "distances: .* with 0 on its diagonal"),
        (lambda: persistence(torch.eye(2) - 1), "distances: .* at least 0"),
        (lambda: persistence(torch.full((2, 2), math.nan)), "distances: expected"),
        (lambda: persistence(torch.zeros(2, 2), max_dimension=-1), "max_dimension: expected at least 0, got -1"),
        (lambda: persistence(torch.zeros(2, 2), coeff=4), "coeff: expected a prime of at most 127, got 4"),
        (lambda: persistence(torch.zeros(2, 2), coeff=131), "coeff: expected a prime of at most 127, got 131"),
        (lambda: persistence(torch.zeros(2, 2), coeff=2**61 - 1), "coeff: expected a prime of at most 127, got"),
        (lambda: persistence(torch.zeros(2, 2), coeff=0), "coeff: expected a prime of at most 127, got 0"),
        (lambda: persistence(torch.zeros(2, 2), coeff=1), "coeff: expected a prime of at most 127, got 1"),
        (lambda: farthest_points(Torus(), torch.zeros(4, 2), 5), "n: expected 1 to 4 points, got 5"),
        (lambda: farthest_points(Torus(), torch.zeros(4, 2), 0), "n: expected 1 to 4 points, got 0"),
        (lambda: farthest_points(Torus(), torch.zeros(4, 3), 2), "points: expected shape"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ManifoldError, match=message):
        call()
