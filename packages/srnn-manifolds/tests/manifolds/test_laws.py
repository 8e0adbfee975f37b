"""The laws of manifolds, one table: a new member joins with one line of CASES.

The statistics are from 4e6 uniform pairs, with a standard error below 0.005.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from srnn_manifolds import (
    Circle,
    DifferenceOfGaussians,
    Diffusion,
    Euclidean,
    KleinBottle,
    Manifold,
    ManifoldError,
    Moduli,
    Normal,
    Product,
    Reversed,
    Ricker,
    Sinusoid,
    Sphere,
    Torus,
)
from srnn_manifolds.testing import check_manifold

Map = Callable[[Tensor], Tensor]  # points (..., coordinates) to points


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def shift(*by: float) -> Map:
    return lambda p: p + torch.tensor(by, dtype=p.dtype)


def glide(turns: int, up: float = 0.0) -> Map:
    """Move x by `turns` periods of 10 and mirror y each time: the same point of the Klein bottle."""
    return lambda p: torch.stack([p[..., 0] + 10 * turns, (-1) ** turns * p[..., 1] + 10 * (turns % 2) + up], dim=-1)


def flip(axis: int) -> Map:
    return lambda p: torch.cat([p[..., :axis], -p[..., axis : axis + 1], p[..., axis + 1 :]], dim=-1)


def rotate(p: Tensor) -> Tensor:
    n = p.shape[-1]
    return p @ torch.linalg.qr(torch.randn(n, n, generator=seeded(5), dtype=torch.float64)).Q.to(p.dtype)


@dataclass(frozen=True)
class Case:
    value: Manifold
    diameter: float
    mean: float  # of d over uniform pairs
    sd: float
    square: float  # mean of d^2
    cost: float  # mean of f, the default difference of Gaussians
    sd_cost: float
    same: tuple[Map, ...] = ()  # other coordinates of the same point
    isometries: tuple[Map, ...] = ()  # keep distances when applied to both points


T2 = (shift(10, 0), shift(0, -10), shift(-20, 30))
T6 = (shift(10, 0, 0, 0, -10, 0), shift(0, 20, -10, 10, 0, 10))
K2 = (shift(0, 10), shift(0, -20), glide(1), glide(-1), glide(2), glide(-3, up=20), shift(20, 0))
K2_MOVES = (shift(1.7, 0), shift(0, 5), flip(0), flip(1))
MIXED = Product(factors=(Sphere(), Torus()))

# test_quadrature.py computes the numbers of S^2 x T^2, and again those of the other closed manifolds, by integration.
CASES = {
    "circle": Case(Circle(), 5 * math.pi, 7.854, 4.534, 82.2, 71.34, 21.1, isometries=(rotate,)),
    "circle chord": Case(Circle(metric="chordal"), 10, 6.366, 3.078, 50, 71.18, 21.2, isometries=(rotate,)),
    "sphere": Case(Sphere(), 5 * math.pi, 7.854, 3.418, 73.4, 76.56, 13.8, isometries=(rotate,)),
    "sphere chord": Case(Sphere(metric="chordal"), 10, 6.667, 2.357, 50, 76.39, 13.9, isometries=(rotate,)),
    "S3": Case(Sphere(dim=3), 5 * math.pi, 7.854, 2.838, 69.8, 78.89, 8.7, isometries=(rotate,)),
    "torus": Case(Torus(), 7.0711, 3.826, 1.424, 16.67, 66.26, 21.3, T2, (shift(0.3, -4.4), flip(0))),
    "klein": Case(KleinBottle(), 7.0711, 3.803, 1.389, 16.39, 66.26, 21.3, K2, K2_MOVES),
    "6-torus": Case(Torus(dim=6), 12.2475, 6.943, 1.340, 50, 80.76, 2.2, T6, (shift(1, 2, 3, 4, 5, 6),)),
    "R3": Case(Euclidean(), math.inf, 6.618, 2.493, 50, 77.06, 11.8, isometries=(rotate, shift(1, 2, 3))),
    "R3 normal": Case(Euclidean(sampling=Normal()), math.inf, 2.257, 0.952, 6, 41.17, 23.9, isometries=(rotate,)),
    "S2 x T2": Case(
        MIXED, math.hypot(5 * math.pi, 7.0711), 8.994, 3.024, 90.04, 80.387, 4.29, (shift(0, 0, 0, 10, -20),)
    ),
}
# Share of pairs in the cheap ring, f < max f / 2.
CHEAP = {"circle": 0.111, "sphere": 0.043, "torus": 0.137, "klein": 0.137, "6-torus": 0.0005}

INHIBITORS = (
    DifferenceOfGaussians(),
    Diffusion(),
    Diffusion(power=1),
    Sinusoid(),
    Ricker(),
    Reversed(base=Diffusion(), ceiling=40),
)

every_manifold = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
every_inhibitor = pytest.mark.parametrize("inhibitor", INHIBITORS, ids=repr)


def random_points(case: Case, n: int, seed: int = 0) -> Tensor:
    return case.value.sample(n, generator=seeded(seed)).double()


@every_manifold
def test_passes_the_checks_for_third_parties(case):
    check_manifold(case.value)


@every_manifold
def test_a_metric(case):
    a, b, c = (random_points(case, 20_000, seed).float() for seed in range(3))
    ab, bc, ac = case.value.distance(a, b), case.value.distance(b, c), case.value.distance(a, c)
    assert (ab >= 0).all()
    assert torch.equal(ab, case.value.distance(b, a))
    assert (case.value.distance(a, a) == 0).all()
    assert (ac <= ab + bc + 1e-5).all()
    assert ab.max() <= case.diameter + 1e-5


@every_manifold
def test_diameter_has_the_known_value_and_is_nearly_reached(case):
    assert case.value.diameter == pytest.approx(case.diameter, abs=1e-4)
    if math.isfinite(case.diameter):
        a = random_points(case, 1500)
        far = case.value.pairwise(a).max().item()
        assert 0.8 * case.diameter < far <= case.diameter + 1e-4


@every_manifold
def test_pairwise_is_exactly_symmetric_with_an_exact_zero_diagonal(case):
    points = random_points(case, 300).float()
    points[7] = points[3]
    pairs = case.value.pairwise(points)
    assert torch.equal(pairs, pairs.T)
    assert (pairs.diagonal() == 0).all()
    assert pairs[7, 3] == 0
    rows, cols = torch.triu_indices(300, 300, 1)
    edges = case.value.distance(points[rows], points[cols])  # (E,)
    torch.testing.assert_close(pairs[rows, cols], edges, rtol=1e-6, atol=0)


@every_manifold
def test_cross_is_distance_one_pair_at_a_time(case):
    a, b = random_points(case, 7, 0), random_points(case, 5, 1)
    expected = torch.tensor([[case.value.distance(p, q).item() for q in b] for p in a], dtype=torch.float64)
    torch.testing.assert_close(case.value.cross(a, b), expected)
    torch.testing.assert_close(case.value.cross(a.expand(2, 7, -1), b.expand(2, 5, -1))[1], expected)


@every_manifold
def test_pairwise_and_cross_take_batches(case):
    points = random_points(case, 60).reshape(3, 20, -1)
    pairs, cross = case.value.pairwise(points), case.value.cross(points, points)
    for single, expected, distances in zip(points, pairs, cross, strict=True):
        torch.testing.assert_close(case.value.pairwise(single), expected, rtol=1e-14, atol=0)
        torch.testing.assert_close(case.value.cross(single, single), distances, rtol=1e-14, atol=0)


@every_manifold
def test_many_points_computed_in_blocks_of_rows_give_the_same_distances(case):
    """More rows than fit into one block of 4 million numbers: compare every 50th row, and the last."""
    points = random_points(case, 1500).float()
    rows = torch.cat([torch.arange(0, 1500, 50), torch.tensor([1499])])
    expected = case.value.distance(points[rows].unsqueeze(1), points)  # (rows, n)
    atol = 1e-5 if case.value.diameter == math.inf else 1e-6 * case.value.diameter
    torch.testing.assert_close(case.value.cross(points, points)[rows], expected, rtol=1e-6, atol=atol)
    pairs = case.value.pairwise(points)
    torch.testing.assert_close(pairs[rows], expected, rtol=1e-6, atol=atol)
    assert torch.equal(pairs, pairs.T)


@every_manifold
def test_equivalent_coordinates_and_isometries(case):
    a, b = random_points(case, 2000, 0), random_points(case, 2000, 1)
    expected = case.value.distance(a, b)
    for same in case.same:
        torch.testing.assert_close(case.value.distance(same(a), b), expected, rtol=0, atol=1e-10)
        torch.testing.assert_close(case.value.distance(a, same(b)), expected, rtol=0, atol=1e-10)
        assert case.value.distance(same(a), a).max() < 1e-10
        torch.testing.assert_close(case.value.distance(case.value.retract(same(a)), b), expected, rtol=0, atol=1e-10)
    for move in case.isometries:
        torch.testing.assert_close(case.value.distance(move(a), move(b)), expected, rtol=0, atol=1e-10)
        assert not torch.equal(move(a), a)


@every_manifold
def test_statistics_of_uniform_pairs_have_the_known_values(case, request):
    """Within 5 standard errors of a million independent pairs, and the rounding of the printed numbers."""
    n = 1_000_000
    d = case.value.distance(
        case.value.sample(n, generator=seeded(1)), case.value.sample(n, generator=seeded(2))
    ).double()
    f = DifferenceOfGaussians()(d)

    def agrees(values: Tensor, expected: float, printed: float) -> None:
        error = values.std().item() / math.sqrt(n)
        assert abs(values.mean().item() - expected) < 5 * error + printed, (values.mean().item(), expected, error)

    def spread_agrees(values: Tensor, expected: float, printed: float) -> None:
        deviations = (values - values.mean()).square()
        agrees(deviations, expected**2, 2 * expected * printed)

    agrees(d, case.mean, 0.0005)
    spread_agrees(d, case.sd, 0.0005)
    agrees(d.square(), case.square, 0.05)
    agrees(f, case.cost, 0.005 + 0.005)  # the rounding and the standard error of the known value
    spread_agrees(f, case.sd_cost, 0.05)
    name = request.node.callspec.id
    if name in CHEAP:
        agrees((f < DifferenceOfGaussians().peak / 2).double(), CHEAP[name], 0.0005 if CHEAP[name] > 0.01 else 0.00005)
    if name == "torus":
        agrees(Sinusoid()(d), 45.2, 0.05)


@every_manifold
def test_samples_are_reproducible_and_do_not_use_the_global_generator(case):
    before = torch.get_rng_state()
    a, again, other = (case.value.sample(50, generator=seeded(seed)) for seed in (3, 3, 4))
    assert torch.equal(a, again)
    assert not torch.equal(a, other)
    assert torch.equal(torch.get_rng_state(), before)
    g = seeded(3)
    assert torch.equal(case.value.sample(50, generator=g), a)
    assert not torch.equal(case.value.sample(50, generator=g), a)


@every_manifold
def test_points_do_not_depend_on_the_default_dtype(case):
    expected = case.value.sample(20, generator=seeded())
    try:
        torch.set_default_dtype(torch.float64)
        points = case.value.sample(20, generator=seeded())
        assert points.dtype == torch.float32
        assert torch.equal(points, expected)
        assert case.value.pairwise(points).dtype == torch.float32
    finally:
        torch.set_default_dtype(torch.float32)


@every_manifold
def test_gradient_of_distance_equals_finite_differences(case):
    a, b = (random_points(case, 5, seed).requires_grad_() for seed in (0, 1))
    assert torch.autograd.gradcheck(case.value.distance, (a, b))


@every_manifold
@every_inhibitor
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_gradient_to_the_embedding_is_finite_at_coincident_points_and_antipodes(case, inhibitor, dtype):
    points = random_points(case, 12).to(dtype)
    points[1] = points[0]  # coincident
    points[3] = -points[2]  # antipodes of spheres
    points[5] = points[4] + 5  # far apart on flat manifolds
    points[5] = case.value.retract(points[5])
    if case.same:
        points[7] = case.same[0](points[6])  # coincident, in other coordinates
    points.requires_grad_()
    cost = Moduli(manifold=case.value, inhibitor=inhibitor).coefficients(points)
    assert torch.isfinite(cost).all()
    (slope,) = torch.autograd.grad(cost.sum(), points)
    assert torch.isfinite(slope).all()
    assert (slope.abs().sum(-1) > 0).any()


@every_manifold
@every_inhibitor
def test_gradient_of_coefficients_equals_finite_differences(case, inhibitor):
    points = random_points(case, 4, seed=2).requires_grad_()
    for offset in ("analytic", "empirical"):
        value = Moduli(manifold=case.value, inhibitor=inhibitor, offset=offset)
        assert torch.autograd.gradcheck(value.coefficients, points, atol=1e-4)


@every_manifold
def test_retraction_gives_canonical_coordinates(case):
    steps = random_points(case, 500) + 3 * torch.randn(500, case.value.coordinates, generator=seeded(9)).double()
    retracted = case.value.retract(steps)
    parts = case.value.factors if isinstance(case.value, Product) else (case.value,)
    for part, points in zip(parts, retracted.split([part.coordinates for part in parts], dim=-1), strict=True):
        if isinstance(part, Circle | Sphere):
            torch.testing.assert_close(points.norm(dim=-1), torch.ones(500, dtype=torch.float64))
        elif isinstance(part, Torus | KleinBottle):
            assert ((points >= 0) & (points < part.period)).all()
        else:
            assert torch.equal(points, steps)
    torch.testing.assert_close(case.value.retract(retracted), retracted)


@every_manifold
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_tangent_is_the_orthogonal_projection_on_spheres(case, dtype):
    points = case.value.retract(random_points(case, 200)).to(dtype)
    vectors = torch.randn(200, case.value.coordinates, generator=seeded(9), dtype=dtype)
    along = case.value.tangent(points, vectors)
    torch.testing.assert_close(case.value.tangent(points, along), along)
    outward = case.value.tangent(points, points)
    torch.testing.assert_close(case.value.tangent(points, 3 * vectors + points), 3 * along + outward)
    parts = case.value.factors if isinstance(case.value, Product) else (case.value,)
    cuts = [part.coordinates for part in parts]
    pieces = zip(parts, points.split(cuts, -1), vectors.split(cuts, -1), along.split(cuts, -1), strict=True)
    for part, p, v, t in pieces:
        if isinstance(part, Circle | Sphere):
            assert (p * t).sum(-1).abs().max() < 100 * torch.finfo(dtype).eps
            removed = v - t  # parallel to p
            torch.testing.assert_close(removed, (removed * p).sum(-1, keepdim=True) * p)
            assert removed.norm(dim=-1).max() > 1
        else:
            assert torch.equal(t, v)


@pytest.mark.parametrize("value", [Circle(), Sphere(dim=4)], ids=repr)
def test_the_origin_is_retracted_to_a_point_of_the_sphere(value):
    assert value.retract(torch.zeros(2, value.coordinates))[1].tolist() == [1.0] + [0.0] * (value.coordinates - 1)


@pytest.mark.parametrize("value", [Torus(), KleinBottle()], ids=repr)
def test_tiny_negative_coordinates_are_retracted_into_the_half_open_square(value):
    points = torch.tensor([[-1e-9, 3.0], [3.0, -1e-9], [-1e-9, -1e-9], [10.0, 10.0], [-0.0, 10.0]])
    retracted = value.retract(points)
    assert ((retracted >= 0) & (retracted < 10)).all()
    assert value.distance(retracted, points).max() < 1e-6


@given(st.floats(0.01, 100), st.integers(1, 5), st.sampled_from(["geodesic", "chordal"]))
def test_distances_scale_with_the_size(scale, dim, metric):
    u, v = (Sphere(dim=dim).sample(30, generator=seeded(seed)).double() for seed in (0, 1))
    unit, large = Sphere(dim=dim, radius=1, metric=metric), Sphere(dim=dim, radius=scale, metric=metric)
    torch.testing.assert_close(large.distance(u, v), scale * unit.distance(u, v))
    assert large.diameter == pytest.approx(scale * unit.diameter)
    x, y = (Torus(dim=2, period=1).sample(30, generator=seeded(seed)).double() for seed in (0, 1))
    for kind, options in ((Torus, {"dim": 2}), (KleinBottle, {})):
        one, many = kind(period=1, **options), kind(period=scale, **options)
        torch.testing.assert_close(many.distance(scale * x, scale * y), scale * one.distance(x, y))
        assert many.diameter == pytest.approx(scale * one.diameter)


@every_manifold
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m: m.distance(torch.zeros(4, 99), torch.zeros(4, m.coordinates)), r"a: expected shape .*got \(4, 99\)"),
        (lambda m: m.distance(torch.zeros(m.coordinates), torch.zeros(1)), r"b: expected shape .*got \(1,\)"),
        (lambda m: m.distance(torch.zeros(m.coordinates), torch.tensor(1.0)), r"b: expected shape .*got \(\)"),
        (lambda m: m.pairwise(torch.zeros(m.coordinates)), r"points: expected shape \(\.\.\., n, "),
        (lambda m: m.pairwise(torch.zeros(5, 99)), "points: expected shape"),
        (lambda m: m.retract(torch.zeros(5, 99)), "points: expected shape"),
        (lambda m: m.cross(torch.zeros(m.coordinates), torch.zeros(1, m.coordinates)), r"a: expected .* n, "),
        (lambda m: m.cross(torch.zeros(1, m.coordinates), torch.zeros(m.coordinates)), r"b: expected .* n, "),
        (lambda m: m.tangent(torch.zeros(5, 99), torch.zeros(5, m.coordinates)), "points: expected shape"),
        (lambda m: m.tangent(torch.zeros(5, m.coordinates), torch.zeros(5, 99)), "vectors: expected shape"),
        (
            lambda m: m.retract(torch.zeros(5, m.coordinates, dtype=torch.int64)),
            "points: expected a floating point.*int64",
        ),
        (lambda m: m.sample(-1, generator=seeded()), "n: expected .* got -1"),
        (lambda m: m.sample(3, generator=None), "generator: .* got None"),
    ],
)
def test_wrong_arguments_are_refused(case, call, message):
    with pytest.raises(ManifoldError, match=message):
        call(case.value)


@every_manifold
def test_maps_over_seeds(case):
    points = random_points(case, 40).reshape(4, 10, -1)
    mapped = torch.func.vmap(case.value.pairwise)(points)
    torch.testing.assert_close(mapped, case.value.pairwise(points), rtol=1e-14, atol=0)


@every_manifold
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64], ids=str)
def test_retraction_keeps_nan(case, dtype):
    """A point that has diverged must not become a valid one."""
    n = case.value.coordinates
    lost = torch.full((n,), math.nan, dtype=dtype)
    assert case.value.retract(lost).isnan().all()
    for i in range(n):
        for bad in (math.nan, math.inf):
            points = torch.ones(2, n, dtype=dtype)
            points[0, i] = bad
            retracted = case.value.retract(points)
            assert not retracted[0].isfinite().all()
            assert retracted[1].isfinite().all()


@pytest.mark.parametrize("value", [Circle(), Sphere(), Sphere(dim=6)], ids=repr)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_any_vector_but_the_origin_is_retracted_along_its_direction(value, dtype):
    limits = torch.finfo(dtype)
    direction = torch.randn(50, value.coordinates, generator=seeded(), dtype=torch.float64)
    direction = direction / direction.norm(dim=-1, keepdim=True)
    for exponent in range(math.ceil(math.log10(limits.tiny)), math.floor(math.log10(limits.max))):
        unit = value.retract((direction * 10.0**exponent).to(dtype))
        assert unit.dtype == dtype
        assert (unit.double() - direction).abs().max() < 4 * limits.eps
    smallest = torch.zeros(value.coordinates, dtype=dtype)
    smallest[1] = -limits.smallest_normal * limits.eps  # the smallest number
    assert value.retract(smallest).tolist() == [0.0, -1.0] + [0.0] * (value.coordinates - 2)
    largest = torch.full((value.coordinates,), limits.max, dtype=dtype)
    expected = torch.full_like(largest, value.coordinates**-0.5)
    torch.testing.assert_close(value.retract(largest), expected)


@pytest.mark.parametrize("value", [Torus(), Torus(period=0.3), KleinBottle(), KleinBottle(period=0.3)], ids=repr)
def test_far_coordinates_are_retracted_into_the_square(value):
    """A float is an exact number, so that its remainder is known, however large it is."""
    far = torch.logspace(0, 30, 200, dtype=torch.float64)
    points = torch.stack([torch.cat([far, -far]), torch.ones(400, dtype=torch.float64)], dim=-1)
    retracted = value.retract(points)
    assert ((retracted >= 0) & (retracted < value.period)).all()
    for (x, _), (u, v) in zip(points.tolist(), retracted.tolist(), strict=True):
        turns, rest = divmod(Fraction(x), Fraction(value.period))
        assert math.remainder(u - rest, value.period) == pytest.approx(0, abs=1e-9)
        if isinstance(value, KleinBottle) and 1e-9 < rest / Fraction(value.period) < 1 - 1e-9:
            y = -1.0 if turns % 2 else 1.0  # mirrored by every turn
            assert math.remainder(v - y, value.period) == pytest.approx(0, abs=1e-9)
