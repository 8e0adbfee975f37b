"""Inhibitors against plain Python, mpmath and scipy."""

import itertools
import math

import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from srnn_manifolds import DifferenceOfGaussians, Diffusion, Moduli, Reversed, Ricker, Sinusoid

PEAK = 95 * 0.05 ** (1 / 19)  # 81.142...: 100 (1 - r) r^(r / (1 - r)), r = 1/20
DISTANCES = torch.linspace(0, 20, 4001, dtype=torch.float64)


def psi(d, s):
    return 2 / mpmath.sqrt(3 * s * mpmath.sqrt(mpmath.pi)) * (1 - (d / s) ** 2) * mpmath.exp(-((d / s) ** 2) / 2)


# value, formula in plain numbers, f(0), least upper bound
CASES = [
    (
        DifferenceOfGaussians(),
        lambda d: PEAK - 100 * (math.exp(-d * d / 5) - math.exp(-4 * d * d)),
        PEAK,
        PEAK,
    ),
    (
        DifferenceOfGaussians(ceiling="amplitude"),
        lambda d: 100 - 100 * (math.exp(-d * d / 5) - math.exp(-d * d / 0.25)),
        100,
        100,
    ),
    (
        DifferenceOfGaussians(amplitude=10, narrow=1, wide=5, ceiling="amplitude"),
        lambda d: 10 - 10 * (math.exp(-d * d / 5) - math.exp(-d * d)),
        10,
        10,
    ),
    (Diffusion(), lambda d: d * d, 0, math.inf),
    (Diffusion(amplitude=3, power=1), lambda d: 3 * d, 0, math.inf),
    (Diffusion(amplitude=2, power=2.5), lambda d: 2 * d**2.5, 0, math.inf),
    (Sinusoid(), lambda d: 50 + 50 * math.cos(2 * d), 100, 100),
    (Sinusoid(amplitude=10, frequency=0.5), lambda d: 10 + 10 * math.cos(d / 2), 20, 20),
    (Ricker(), lambda d: float(psi(0, 1) - psi(d, 1)), 0, 0.8673251 * (1 + 2 * math.exp(-1.5))),
    (Ricker(amplitude=7, width=2), lambda d: float(7 * (psi(0, 2) - psi(d, 2))), 0, 6.21),
    (Reversed(base=Diffusion(), ceiling=50), lambda d: max(50 - d * d, 0), 50, 50),
    (Reversed(base=Sinusoid(), ceiling=100), lambda d: 50 - 50 * math.cos(2 * d), 0, 100),
    (Reversed(base=Diffusion(power=1), ceiling=30), lambda d: 30 - d, 30, 30),
    (Reversed(base=Ricker(), ceiling=1), lambda d: max(1 - float(psi(0, 1) - psi(d, 1)), 0), 1, 1),
]
every = pytest.mark.parametrize("value, formula, start, bound", CASES, ids=[repr(case[0]) for case in CASES])


@every
def test_formula(value, formula, start, bound):
    expected = torch.tensor([formula(d) for d in DISTANCES.tolist()], dtype=torch.float64)
    torch.testing.assert_close(value(DISTANCES), expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(value(torch.zeros(2, 3)), torch.full((2, 3), float(start)))


@pytest.mark.parametrize("value", [DifferenceOfGaussians(), Ricker(), Ricker(width=0.5)], ids=repr)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_at_large_distances_the_cost_is_its_limit(value, dtype):
    """Also where the square of a distance is more than the dtype holds."""
    limit = value(torch.tensor(100.0, dtype=dtype))
    d = torch.logspace(2, math.log10(torch.finfo(dtype).max / 16), 50, dtype=torch.float64).to(dtype)
    d.requires_grad_()
    costs = value(d)
    assert torch.equal(costs, limit.expand(50))
    (slope,) = torch.autograd.grad(costs.sum(), d)
    assert not slope.any()


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_never_negative_and_bounded(value, formula, start, bound, dtype):
    d = torch.cat([DISTANCES, torch.linspace(0.88, 0.9, 5001, dtype=torch.float64)]).to(dtype)
    f = value(d)
    assert f.dtype == dtype
    assert f.shape == d.shape
    assert (f >= 0).all()
    assert f.max() <= bound * (1 + 1e-6)


@every
def test_gradients_are_correct_and_finite_at_zero(value, formula, start, bound):
    d = torch.tensor([0.0, 1e-20, 1e-6, 1.0, 5.0, 1e4], requires_grad=True)
    (slope,) = torch.autograd.grad(value(d).sum(), d)
    assert torch.isfinite(slope).all()
    assert torch.autograd.gradcheck(value, torch.tensor([0.1, 0.5, 1.0, 3.0], dtype=torch.float64, requires_grad=True))


def test_ring_of_the_authors_code():
    ring = DifferenceOfGaussians()
    assert ring.peak == pytest.approx(81.142, abs=5e-4)
    assert ring.peak_distance == pytest.approx(0.8879, abs=5e-5)
    f = ring(torch.tensor([0.0, 1e3, ring.peak_distance], dtype=torch.float64)).tolist()
    assert f == pytest.approx([81.142, 81.142, 0], abs=5e-4)
    cheapest = DISTANCES[ring(DISTANCES).argmin()].item()
    assert cheapest == pytest.approx(0.8879, abs=0.005)


def test_ring_of_figure_2():
    ring = DifferenceOfGaussians(amplitude=1, narrow=1, wide=5)
    assert ring.peak == pytest.approx(0.53499, abs=5e-6)
    assert ring.peak_distance == pytest.approx(1.4184, abs=5e-5)


@given(st.floats(0.01, 50), st.floats(1.01, 100), st.floats(0.1, 1000))
def test_peak_equals_that_of_a_numerical_search(narrow, ratio, amplitude):
    wide = narrow * ratio
    ring = DifferenceOfGaussians(amplitude=amplitude, narrow=narrow, wide=wide)

    def negative_ring(t):  # t = d^2
        return -(math.exp(-t / wide) - math.exp(-t / narrow))

    # The peak in d^2 lies between narrow and wide, because x - 1 > ln x > 1 - 1/x.
    result = minimize_scalar(negative_ring, bounds=(narrow, wide), method="bounded", options={"xatol": 1e-9 * narrow})
    assert ring.peak == pytest.approx(-amplitude * result.fun, rel=1e-9)
    assert ring.peak_distance == pytest.approx(math.sqrt(result.x), rel=1e-4)


@pytest.mark.parametrize("excess", [1e-12, 1e-9, 1e-6])
def test_peak_is_accurate_for_nearly_equal_widths(excess):
    with mpmath.workdps(60):
        ring = DifferenceOfGaussians(amplitude=1, narrow=1, wide=1 + excess)
        wide = mpmath.mpf(ring.wide)
        t = wide * mpmath.log(wide) / (wide - 1)
        assert ring.peak == pytest.approx(float(mpmath.exp(-t / wide) - mpmath.exp(-t)), rel=1e-12)


def test_ricker_does_not_cancel_near_zero():
    d = torch.tensor([1e-4, 1e-3, 1e-2])
    expected = [float(psi(0, 1) - psi(mpmath.mpf(x), 1)) for x in d.tolist()]
    assert Ricker()(d).tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("amplitude", [0.1, 1.0, 10.0, 33.3, 100.0, 1000.0])
def test_ring_is_not_negative_by_rounding_around_its_minimum(amplitude):
    for narrow, wide in ((0.25, 5.0), (1.0, 5.0), (0.3, 0.7)):
        ring = DifferenceOfGaussians(amplitude=amplitude, narrow=narrow, wide=wide)
        f = ring(ring.peak_distance + torch.linspace(-1e-3, 1e-3, 2001))
        assert f.min() >= 0
        assert f.max() < 1e-4 * amplitude


@every
def test_monotone_inhibitors_rise_or_fall_everywhere(value, formula, start, bound):
    costs = [formula(d) for d in DISTANCES.tolist()]
    steps = [later - before for before, later in itertools.pairwise(costs)]
    assert value.monotone == (all(step >= 0 for step in steps) or all(step <= 0 for step in steps))


def test_reversed_with_the_empirical_offset_equals_the_authors_word_model():
    """max(d^2) - d^2 and, for a sinusoid, max(d) - d, over the drawn matrix, for any ceiling."""
    for power in (1, 2):
        for ceiling in (60, 500):
            reversed_ = Reversed(base=Diffusion(power=power), ceiling=ceiling)
            value = Moduli(inhibitor=reversed_, offset="empirical")
            penalty = value.build(30, generator=torch.Generator().manual_seed(0))
            delta = (penalty.points[0, :, None] - penalty.points[0]).abs().double()
            raw = torch.minimum(delta, 10 - delta).square().sum(-1) ** (power / 2)
            torch.testing.assert_close(penalty.coefficients.double(), raw.max() - raw, rtol=0, atol=1e-4)
