"""Distances against independent oracles: lists of images, closed forms in plain Python, 50 digits of mpmath."""

import itertools
import math

import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from srnn_manifolds import Circle, Euclidean, KleinBottle, Product, Sphere, Torus

mpmath.mp.dps = 50

BOTTLE = KleinBottle()
inside = st.tuples(st.floats(0, 10), st.floats(0, 10))
plane = st.tuples(st.floats(-45, 45), st.floats(-45, 45))


def point(*coordinates):
    return torch.tensor(coordinates, dtype=torch.float64)


def nine_images(x, y):
    yield from ((x, y), (x, y + 10), (x, y - 10))
    for side in (-10, 10):
        yield from ((x + side, 10 - y), (x + side, -y), (x + side, 20 - y))


def many_images(x, y, reach):
    for turns, up in itertools.product(range(-reach, reach + 1), repeat=2):
        yield x + 10 * turns, (10 - y if turns % 2 else y) + 10 * up


def klein_closed_form(a, b):
    def circ(z):
        return abs(z - 10 * round(z / 10))

    along = abs(a[0] - b[0])
    return min(math.hypot(along, circ(a[1] - b[1])), math.hypot(10 - along, circ(a[1] + b[1])))


@given(inside, inside)
def test_klein_in_the_square(a, b):
    d = BOTTLE.distance(point(*a), point(*b)).item()
    assert d == pytest.approx(klein_closed_form(a, b), abs=1e-12)
    assert d == pytest.approx(min(math.dist(a, image) for image in nine_images(*b)), abs=1e-12)
    assert d == pytest.approx(min(math.dist(a, image) for image in many_images(*b, reach=3)), abs=1e-12)


@given(plane, plane)
def test_klein_on_the_whole_plane(a, b):
    d = BOTTLE.distance(point(*a), point(*b)).item()
    assert d == pytest.approx(min(math.dist(a, image) for image in many_images(*b, reach=10)), abs=1e-11)
    for image in ((b[0], b[1] + 10), (b[0] + 10, 10 - b[1]), (b[0] - 30, 10 - b[1])):
        assert BOTTLE.distance(point(*a), point(*image)).item() == pytest.approx(d, abs=1e-11)
        assert BOTTLE.distance(point(*image), point(*a)).item() == pytest.approx(d, abs=1e-11)


@pytest.mark.parametrize(
    "a, b, expected",
    [
        ((0, 2), (10, 8), 0),
        ((0, 2), (9.9, 8), 0.1),
        ((0, 5), (5, 0), math.sqrt(50)),
        ((0, 0), (0, 10), 0),
        ((1, 3), (11, 7), 0),  # the authors' code gives 4: it moves x by 10 without mirroring y
        ((1, 3), (11, 3), 4),
        ((-1, 3), (9, 7), 0),
    ],
)
def test_klein_at_known_points(a, b, expected):
    assert BOTTLE.distance(point(*a), point(*b)).item() == pytest.approx(expected, abs=1e-12)


@given(st.integers(1, 3), st.floats(0.5, 20), st.data())
def test_torus_is_the_nearest_of_all_images(dim, period, data):
    coordinate = st.floats(-1.9 * period, 1.9 * period)
    a, b = (data.draw(st.tuples(*[coordinate] * dim)) for _ in "ab")
    images = itertools.product(*[[x + k * period for k in range(-5, 6)] for x in b])
    expected = min(math.dist(a, image) for image in images)
    d = Torus(dim=dim, period=period).distance(point(*a), point(*b)).item()
    assert d == pytest.approx(expected, abs=1e-11)


@given(st.floats(-math.pi, math.pi), st.floats(-math.pi, math.pi))
def test_circle_is_the_difference_of_angles(alpha, beta):
    a, b = point(math.cos(alpha), math.sin(alpha)), point(math.cos(beta), math.sin(beta))
    turn = abs(alpha - beta)
    angle = min(turn, 2 * math.pi - turn)
    assert Circle().distance(a, b).item() == pytest.approx(5 * angle, abs=1e-13)
    assert Circle(metric="chordal").distance(a, b).item() == pytest.approx(10 * math.sin(angle / 2), abs=1e-13)


@pytest.mark.parametrize("dim", [1, 2, 3, 8])
@pytest.mark.parametrize("near", ["diagonal", "antipode"])
@pytest.mark.parametrize("angle", [0.0, 1e-7, 1e-5, 1e-3, 0.1, 1.5])
def test_float32_arcs_are_accurate_near_the_diagonal_and_near_antipodes(dim, near, angle):
    """Against mpmath on the same float32 numbers: within 3e-7 of the radius; arccos(u.v) is off by 5e-4."""
    g = torch.Generator().manual_seed(0)
    u = Sphere(dim=dim).sample(20, generator=g).double()
    side = torch.randn(20, dim + 1, generator=g, dtype=torch.float64)
    side -= (side * u).sum(-1, keepdim=True) * u
    v = math.cos(angle) * u + math.sin(angle) * side / side.norm(dim=-1, keepdim=True)
    u, v = u.float(), (v if near == "diagonal" else -v).float()
    for metric in ("geodesic", "chordal"):
        measured = Sphere(dim=dim, radius=5, metric=metric).distance(u, v)
        assert measured.dtype == torch.float32
        for d, a, b in zip(measured.tolist(), u.tolist(), v.tolist(), strict=True):
            a, b = mpmath.matrix(a), mpmath.matrix(b)
            a, b = a / mpmath.norm(a), b / mpmath.norm(b)
            arc = 2 * mpmath.atan2(mpmath.norm(a - b), mpmath.norm(a + b))
            expected = 5 * (arc if metric == "geodesic" else 2 * mpmath.sin(arc / 2))
            assert abs(d - float(expected)) < 5 * 3e-7


def test_exact_antipodes_and_equal_points_in_float32():
    u = Sphere().sample(1000, generator=torch.Generator().manual_seed(0))
    assert (Sphere().distance(u, u) == 0).all()
    torch.testing.assert_close(Sphere().distance(u, -u), torch.full((1000,), 5 * math.pi), rtol=2e-7, atol=0)


@pytest.mark.parametrize("value", [Torus(), KleinBottle()], ids=repr)
def test_float32_is_exact_across_the_seam(value):
    a, b = torch.tensor([3.0, 0.0]), torch.tensor([3.0, 9.999999])
    assert value.distance(a, b).item() == pytest.approx(10 - b[1].double().item(), rel=1e-6)


@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3), st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3))
def test_euclidean_is_the_length_of_the_difference(a, b):
    assert Euclidean().distance(point(*a), point(*b)).item() == pytest.approx(math.dist(a, b), rel=1e-12)


def test_product_is_pythagoras_over_its_factors():
    parts = (Sphere(dim=3), KleinBottle(), Product(factors=(Circle(metric="chordal"), Torus(dim=1))))
    whole = Product(factors=parts)
    assert (whole.dim, whole.coordinates) == (3 + 2 + 1 + 1, 4 + 2 + 2 + 1)
    a, b = (whole.sample(200, generator=torch.Generator().manual_seed(seed)).double() for seed in (0, 1))
    slices = [slice(0, 4), slice(4, 6), slice(6, 9)]
    distances = [part.distance(a[:, piece], b[:, piece]).tolist() for part, piece in zip(parts, slices, strict=True)]
    expected = [math.hypot(*row) for row in zip(*distances, strict=True)]
    assert whole.distance(a, b).tolist() == pytest.approx(expected)


def test_points_and_neurons_keep_their_rows():
    """Row j is the point of neuron j; the authors' torus reads (n, dim) as (dim, n) without transposing."""
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    expected = [[0, 1, math.sqrt(5)], [1, 0, 2], [math.sqrt(5), 2, 0]]
    for value in (Torus(), KleinBottle(), Euclidean(dim=2)):
        torch.testing.assert_close(value.pairwise(points), torch.tensor(expected, dtype=torch.float32))
