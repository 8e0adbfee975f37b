"""Edge lists have the penalty of the dense weight that is 0 elsewhere, in O(E)."""

import math

import pytest
import torch

from srnn_manifolds import Diffusion, EdgePenalty, KleinBottle, ManifoldError, Moduli, Sphere, Torus

VALUES = [
    Moduli(),
    Moduli(manifold=Sphere(), reduction="sum"),
    Moduli(manifold=KleinBottle(), inhibitor=Diffusion(), power=2),
    Moduli(power=1.5, reduction="sum"),
]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize("gates", [1, 3])
def test_equals_the_dense_penalty_of_the_scattered_weight(value, gates):
    n = 11
    mask = torch.rand(gates * n, n, generator=seeded(1)) < 0.3
    indices = mask.nonzero().T
    values = torch.randn(indices.shape[1], generator=seeded(2)).requires_grad_()
    scattered = torch.zeros(gates * n, n).index_put(tuple(indices), values)
    dense = value.build(n, gates=gates, generator=seeded(3))
    edges = value.build_edges(indices, n, gates=gates, generator=seeded(3))
    assert torch.equal(edges.points, dense.points)
    torch.testing.assert_close(edges.coefficients, dense.coefficients[mask], rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(edges(values), dense(scattered))
    assert edges.mean_coefficient() == pytest.approx(dense.coefficients[mask].mean().item(), rel=1e-5)
    (slope,) = torch.autograd.grad(edges(values), values)
    torch.testing.assert_close(slope, torch.autograd.grad(dense(scattered), values)[0])


def test_the_order_of_the_edges_is_kept_and_rows_are_targets():
    """Two points at distance 1, a third far away: the cost of each edge by hand, d^2."""
    points = torch.tensor([[0.0, 0.0], [1.0, 0.0], [4.0, 4.0]])
    edges = torch.tensor([[0, 2, 1, 1], [1, 0, 1, 2]])
    assert Moduli(inhibitor=Diffusion()).on_edges(points, edges).tolist() == pytest.approx([1, 32, 0, 25])


def test_a_large_sparse_net_never_forms_the_matrix():
    """200 000^2 coefficients would be 160 GB."""
    n, e = 200_000, 1_000_000
    indices = torch.randint(n, (2, e), generator=seeded())
    penalty = Moduli().build_edges(indices, n, generator=seeded(1))
    values = torch.ones(e, requires_grad=True)
    penalty(values).backward()
    assert penalty.points.shape == (1, n, 2)
    for edge in range(0, e, e // 50):
        a, b = (penalty.points[0, i].tolist() for i in indices[:, edge].tolist())
        square = sum(min(abs(x - y), 10 - abs(x - y)) ** 2 for x, y in zip(a, b, strict=True))
        cost = 81.142 - 100 * (math.exp(-square / 5) - math.exp(-4 * square))
        assert penalty.coefficients[edge].item() == pytest.approx(cost, abs=2e-3)
        assert values.grad[edge].item() == pytest.approx(cost / n**2, abs=1e-3 / n**2 * 5)
    # 66.26 is the mean over uniform pairs
    assert penalty.mean_coefficient() == pytest.approx(66.26, abs=5 * 21.3 / math.sqrt(e) + 0.05)


def test_gradient_to_the_points_equals_finite_differences():
    indices = torch.tensor([[0, 1, 2, 2], [1, 2, 0, 2]])
    points = Torus().sample(3, generator=seeded()).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda p: Moduli().on_edges(p, indices), points)


def test_no_edges_cost_nothing():
    penalty = Moduli().build_edges(torch.zeros(2, 0, dtype=torch.int64), 5, generator=seeded())
    assert penalty(torch.zeros(0)).item() == 0
    assert penalty.shape == (0,)


def test_state_dict_restores_it():
    indices = torch.tensor([[0, 1], [1, 2]])
    first, second = (Moduli().build_edges(indices, 3, generator=seeded(seed)) for seed in (0, 1))
    second.load_state_dict(first.state_dict())
    assert torch.equal(second(torch.ones(2)), first(torch.ones(2)))
    assert "edges=2, entries=9, reduction='mean', power=1" in repr(first)


def test_maps_over_seeds():
    penalty = Moduli().build_edges(torch.tensor([[0, 1], [1, 2]]), 3, generator=seeded())
    stack = torch.randn(4, 2, generator=seeded(1))
    torch.testing.assert_close(torch.func.vmap(penalty)(stack), torch.stack([penalty(values) for values in stack]))


def test_the_global_generator_is_not_used():
    before = torch.get_rng_state()
    Moduli().build_edges(torch.tensor([[0], [1]]), 3, generator=seeded())
    assert torch.equal(torch.get_rng_state(), before)


EDGES = torch.tensor([[0, 1], [1, 2]])


def edges(indices, neurons=3, **options):
    return Moduli().build_edges(indices, neurons, **{"generator": seeded()} | options)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: Moduli(offset="empirical").build_edges(EDGES, 3, generator=seeded()), "offset: .*all N.2 pairs"),
        (lambda: Moduli(offset="empirical").on_edges(torch.zeros(3, 2), EDGES), "offset: .*all N.2 pairs"),
        (
            lambda: edges(EDGES.T[0], 3),
            r"indices: expected shape \(2, E\), got \(2,\)",
        ),
        (lambda: edges(torch.zeros(3, 2).long(), 3), r"indices: .* got \(3, 2\)"),
        (
            lambda: edges(EDGES.int(), 3),
            "indices: expected torch.int64, got torch.int32",
        ),
        (
            lambda: edges(EDGES, 2),
            "indices: expected sources from 0 to 1, got 1 to 2",
        ),
        (
            lambda: edges(-EDGES, 3),
            "indices: expected targets from 0 to 2, got -1 to 0",
        ),
        (
            lambda: edges(EDGES + 2, 3, gates=2),
            "expected sources from 0 to 2, got 3",
        ),
        (lambda: edges(EDGES, 0), "neurons: expected at least 1, got 0"),
        (lambda: edges(EDGES, 3, generator=None), "generator"),
        (lambda: Moduli(inhibitor=Diffusion(power=500)).build_edges(EDGES, 3, generator=seeded()), "expected finite"),
        (lambda: Moduli().on_edges(torch.zeros(1, 3, 2), EDGES), r"points: expected shape \(N, 2\), got \(1, 3, 2\)"),
        (lambda: EdgePenalty(torch.ones(2, 2), entries=4), r"coefficients: expected shape \(E,\), got \(2, 2\)"),
        (lambda: EdgePenalty(torch.ones(3), entries=2), "entries: .* 3, got 2"),
        (lambda: EdgePenalty(torch.ones(3), entries=9, reduction="max"), "reduction: expected"),
        (lambda: EdgePenalty(torch.ones(3), entries=9, power=0.5), "power: expected"),
        (lambda: EdgePenalty(torch.ones(3), entries=9)(torch.ones(1)), r"values: expected shape \(3,\), got \(1,\)"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ManifoldError, match=message):
        call()
