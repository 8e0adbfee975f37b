"""Laws of manifolds, for the tests of third-party manifolds."""

import torch
from torch import Tensor

from .manifolds import Manifold


def check_manifold(manifold: Manifold, *, points: int = 40, seed: int = 0, tolerance: float = 1e-5) -> None:
    """Raise an AssertionError that names the first law that `manifold` breaks.

    - Sampling: shape, float32, reproducible from the generator; the global generator is not used.
    - Distance: broadcasting, dtype, a metric (0 to itself, symmetric, triangle inequality) bounded by `diameter`.
    - `pairwise` is `distance` for all pairs, exactly symmetric with an exact zero diagonal.
    - Retraction: the new coordinates are those of the same points.
    - Tangent: a projection; a small step along the tangent part leads to the same point as the whole step.
    - Gradients: finite everywhere, also at coincident points, and equal to finite differences elsewhere.
    - The value: hashable, and unchanged by JSON.

    `points` is the number of points drawn per law. `tolerance` is relative to the largest distance, in float32.

    >>> from srnn_manifolds import Torus
    >>> check_manifold(Torus(dim=3, period=2))
    """
    _check_sampling(manifold, points, seed)
    a, b, c = (manifold.sample(points, generator=_generator(seed + i)) for i in range(3))
    _check_distance(manifold, a, b, c, tolerance)
    _check_pairwise(manifold, a, tolerance)
    _check_retraction(manifold, a, b, tolerance)
    _check_tangent(manifold, a, b)
    _check_gradients(manifold, a, b)
    _law(hash(manifold) == hash(manifold.model_copy()), "equal values hash equally")
    _law(type(manifold).model_validate_json(manifold.model_dump_json()) == manifold, "JSON restores an equal value")


def _check_sampling(manifold: Manifold, points: int, seed: int) -> None:
    before = torch.get_rng_state()
    a = manifold.sample(points, generator=_generator(seed))
    _law(torch.equal(before, torch.get_rng_state()), "sample does not use the global generator")
    shape = (points, manifold.coordinates)
    _law(tuple(a.shape) == shape, f"sample gives shape {shape}, got {tuple(a.shape)}")
    _law(a.dtype == torch.float32, f"sample gives float32, got {a.dtype}")
    _law(bool(torch.isfinite(a).all()), "sample gives finite coordinates")
    _law(torch.equal(a, manifold.sample(points, generator=_generator(seed))), "one seed gives the same points")
    _law(not torch.equal(a, manifold.sample(points, generator=_generator(seed + 1))), "another seed, other points")
    _law(tuple(manifold.sample(0, generator=_generator(seed)).shape) == (0, shape[1]), "no points can be drawn")


def _check_distance(manifold: Manifold, a: Tensor, b: Tensor, c: Tensor, tolerance: float) -> None:
    ab, bc, ac = manifold.distance(a, b), manifold.distance(b, c), manifold.distance(a, c)
    slack = tolerance * float(torch.stack([ab, bc, ac]).max())
    _law(
        tuple(ab.shape) == (len(a),),
        f"distance of (n, coordinates) and (n, coordinates) is (n,), got {tuple(ab.shape)}",
    )
    table = manifold.distance(a.unsqueeze(1), b)
    _law(tuple(table.shape) == (len(a), len(b)), f"leading dimensions broadcast, got {tuple(table.shape)}")
    _law(torch.allclose(table.diagonal(), ab, rtol=0, atol=slack), "broadcasting does not change distances")
    _law(manifold.distance(a.double(), b.double()).dtype == torch.float64, "distance keeps the dtype")
    _law(bool((ab >= 0).all()), "distances are at least 0")
    _law(bool((ab > slack).any()), "distances of different points are above 0")
    _law(bool((manifold.distance(a, a) <= slack).all()), "the distance of a point to itself is 0")
    _law(bool(((ab - manifold.distance(b, a)).abs() <= slack).all()), "distance is symmetric")
    _law(bool((ac <= ab + bc + slack).all()), "the triangle inequality holds")
    _law(bool((table <= manifold.diameter + slack).all()), f"no distance exceeds the diameter {manifold.diameter}")


def _check_pairwise(manifold: Manifold, a: Tensor, tolerance: float) -> None:
    pairs = manifold.pairwise(a)
    expected = manifold.distance(a.unsqueeze(1), a)
    _law(tuple(pairs.shape) == (len(a), len(a)), f"pairwise gives shape (n, n), got {tuple(pairs.shape)}")
    _law(torch.equal(pairs, pairs.mT), "pairwise is exactly symmetric")
    _law(bool((pairs.diagonal() == 0).all()), "the diagonal of pairwise is exactly 0")
    slack = tolerance * float(expected.max())
    _law(torch.allclose(pairs, expected, rtol=0, atol=slack), "pairwise is distance for all pairs")


def _check_retraction(manifold: Manifold, a: Tensor, b: Tensor, tolerance: float) -> None:
    ab = manifold.distance(a, b)
    slack = tolerance * float(ab.max())
    retracted = manifold.retract(a)
    _law(retracted.shape == a.shape and retracted.dtype == a.dtype, "retract keeps shape and dtype")
    _law(bool((manifold.distance(retracted, a) <= slack).all()), "retract does not move points of the manifold")
    moved = manifold.retract(a + 0.1 * b)  # as after an optimizer step
    again = manifold.retract(moved)
    _law(bool((manifold.distance(again, moved) <= slack).all()), "a second retraction moves nothing")
    _law(bool((manifold.distance(moved, b) <= manifold.diameter + slack).all()), "retracted points are on the manifold")


def _check_tangent(manifold: Manifold, a: Tensor, b: Tensor) -> None:
    points, vectors = a.double(), b.double()
    part = manifold.tangent(points, vectors)
    _law(part.shape == vectors.shape and part.dtype == vectors.dtype, "tangent keeps shape and dtype")
    _law(torch.allclose(manifold.tangent(points, part), part), "a tangent vector stays as it is")
    step = 1e-4
    whole, tangent = manifold.retract(points + step * vectors), manifold.retract(points + step * part)
    moved = float(manifold.distance(whole, points).max())
    error = float(manifold.distance(whole, tangent).max())
    _law(error <= 0.01 * moved, "the tangent part of a small step leads to where the whole step leads")


def _check_gradients(manifold: Manifold, a: Tensor, b: Tensor) -> None:
    x, y = a[:8].double(), b[:8].double()
    _law(bool(torch.isfinite(_slope(manifold, x, x)).all()), "gradients at coincident points are finite")
    slope = _slope(manifold, x, y)  # (8, coordinates)
    _law(bool(torch.isfinite(slope).all()), "gradients are finite")
    for i in range(manifold.coordinates):
        step = torch.zeros_like(x)
        step[:, i] = 1e-6
        rise = (manifold.distance(x + step, y) - manifold.distance(x - step, y)) / 2e-6  # (8,)
        close = torch.isclose(slope[:, i], rise, rtol=1e-4, atol=1e-4)
        _law(bool(close.all()), f"the gradient of distance along coordinate {i} equals finite differences")


def _slope(manifold: Manifold, a: Tensor, b: Tensor) -> Tensor:
    leaf = a.clone().requires_grad_()
    (slope,) = torch.autograd.grad(manifold.distance(leaf, b).sum(), leaf)
    return slope


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _law(holds: bool, law: str) -> None:
    if not holds:
        raise AssertionError(law)
