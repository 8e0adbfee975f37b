"""The sampled statistics of distances and costs, by quadrature over the density of the distance."""

import math

import numpy as np
import pytest
from numpy.polynomial import legendre
from scipy.integrate import quad
from scipy.special import erf


def ring(d):
    return 100 * (math.exp(-(d**2) / 5) - math.exp(-4 * d**2))


def mean_over_sphere(f, dim):
    """Mean of f(angle) over uniform pairs of the unit sphere S^dim: the density of the angle is sin^(dim - 1)."""
    weight = quad(lambda t: math.sin(t) ** (dim - 1), 0, math.pi)[0]
    return quad(lambda t: f(t) * math.sin(t) ** (dim - 1), 0, math.pi, epsabs=1e-10, points=[0.2])[0] / weight


def over_torus(s, dim):
    """Mean of exp(-d^2 / s): each coordinate's distance is uniform on [0, 5], so the Gaussian factorises."""
    return (math.sqrt(math.pi * s) / 10 * erf(5 / math.sqrt(s))) ** dim


@pytest.mark.parametrize(
    "dim, metric, mean, square, cost",
    [
        (1, "geodesic", 7.854, 82.2, 71.34),
        (1, "chordal", 6.366, 50, 71.18),
        (2, "geodesic", 7.854, 73.4, 76.56),
        (2, "chordal", 6.667, 50, 76.39),
        (3, "geodesic", 7.854, 69.8, 78.89),
    ],
)
def test_spheres(dim, metric, mean, square, cost):
    def length(t):
        return 5 * t if metric == "geodesic" else 10 * math.sin(t / 2)

    assert mean_over_sphere(length, dim) == pytest.approx(mean, abs=0.001)
    assert mean_over_sphere(lambda t: length(t) ** 2, dim) == pytest.approx(square, abs=0.06)
    assert 81.142 - mean_over_sphere(lambda t: ring(length(t)), dim) == pytest.approx(cost, abs=0.01)


@pytest.mark.parametrize("dim, square, cost", [(2, 16.67, 66.26), (6, 50, 80.76)])
def test_tori(dim, square, cost):
    assert dim * 25 / 3 == pytest.approx(square, abs=0.01)
    assert 81.142 - 100 * (over_torus(5, dim) - over_torus(0.25, dim)) == pytest.approx(cost, abs=0.01)


def test_sphere_times_torus():
    """The source of the numbers in test_laws.py."""

    def over_product(s):
        return mean_over_sphere(lambda t: math.exp(-25 * t**2 / s), 2) * over_torus(s, 2)

    assert 81.142 - 100 * (over_product(5) - over_product(0.25)) == pytest.approx(80.387, abs=0.001)
    assert mean_over_sphere(lambda t: 25 * t**2, 2) + 50 / 3 == pytest.approx(90.04, abs=0.01)
    nodes, weights = legendre.leggauss(60)
    t, x = (nodes + 1) * math.pi / 2, (nodes + 1) * 2.5
    d = np.sqrt(25 * t[:, None, None] ** 2 + x[:, None] ** 2 + x**2)
    mean = np.einsum("ijk,i,j,k", d, weights * np.sin(t) * math.pi / 4, weights / 2, weights / 2)
    assert mean == pytest.approx(8.994, abs=0.0005)
    assert math.sqrt(90.0367 - mean**2) == pytest.approx(3.024, abs=0.0005)
