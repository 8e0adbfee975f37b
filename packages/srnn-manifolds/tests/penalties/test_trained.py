"""Trained embeddings: values, gradients, blocks, stacked runs, and points that move but stay on the manifold."""

import copy
import math
import pickle

import pytest
import torch
from pydantic import ValidationError
from torch.func import functional_call, vmap

from srnn_manifolds import (
    Circle,
    DifferenceOfGaussians,
    Diffusion,
    Euclidean,
    KleinBottle,
    Moduli,
    Product,
    Reversed,
    Ricker,
    Sinusoid,
    Sphere,
    Torus,
    Trained,
    TrainedPenalty,
)

BASES = {
    "torus": Moduli(),
    "6-torus": Moduli(manifold=Torus(dim=6), offset="empirical"),
    "klein": Moduli(manifold=KleinBottle(), inhibitor=Sinusoid(), reduction="sum"),
    "circle": Moduli(manifold=Circle(), power=2),
    "sphere": Moduli(manifold=Sphere(), offset="empirical", power=1.5),
    "S3": Moduli(manifold=Sphere(dim=3, metric="chordal"), inhibitor=Ricker()),
    "R3": Moduli(manifold=Euclidean()),
    "S2 x T2": Moduli(manifold=Product(factors=(Sphere(), Torus()))),
}
every_base = pytest.mark.parametrize("base", BASES.values(), ids=BASES)
both_columns = pytest.mark.parametrize("sources", [None, 4], ids=["square", "sources"])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def weights(*shape, seed=1, dtype=torch.float32):
    return torch.randn(*shape, generator=seeded(seed), dtype=dtype).requires_grad_()


def by_one_graph(base, points, columns, weight):
    """The penalty by one graph over all pairs, with the smallest coefficient as a constant."""
    total = 0
    for p, c, w in zip(points, columns, weight.split(points.shape[1]), strict=True):
        costs = base.inhibitor(base.manifold.distance(p.unsqueeze(1), c))
        if base.offset == "empirical":
            costs = costs - costs.min().item()
        total = total + (costs * w.abs() ** base.power).sum()
    return total / (weight.numel() if base.reduction == "mean" else 1)


def built(base, neurons=6, gates=2, sources=None, seed=0):
    return Trained(base=base).build(neurons, gates=gates, sources=sources, generator=seeded(seed))


@every_base
@both_columns
@pytest.mark.parametrize("gates", [1, 3])
def test_starts_as_the_fixed_penalty(base, sources, gates):
    fixed = base.build(6, gates=gates, sources=sources, generator=seeded())
    trained = built(base, gates=gates, sources=sources)
    assert trained.shape == fixed.shape
    assert torch.equal(trained.points, fixed.points)
    assert torch.equal(trained.coefficients, fixed.coefficients)
    assert trained.mean_coefficient() == fixed.mean_coefficient()
    if sources is None:
        assert trained.source_points is None
    else:
        assert torch.equal(trained.source_points, fixed.source_points)
    weight = weights(*fixed.shape)
    torch.testing.assert_close(trained(weight), fixed(weight))


@every_base
@both_columns
@pytest.mark.parametrize("neurons, gates", [(6, 2), (400, 1)], ids=["one block of rows", "several blocks"])
def test_gradients_are_those_of_one_graph_made_tangent(base, sources, neurons, gates):
    sources = sources and 100 * sources if neurons > 6 else sources
    penalty = built(base, neurons=neurons, gates=gates, sources=sources).double()
    weight = weights(*penalty.shape, dtype=torch.float64)
    leaves = [weight, *penalty.parameters()]
    columns = penalty.points if sources is None else penalty.source_points
    expected = by_one_graph(base, penalty.points, columns, weight)
    value = penalty(weight)
    torch.testing.assert_close(value, expected)
    slopes, full = torch.autograd.grad(3 * value, leaves), torch.autograd.grad(3 * expected, leaves)
    torch.testing.assert_close(slopes[0], full[0])
    for points, slope, whole in zip(penalty.parameters(), slopes[1:], full[1:], strict=True):
        assert slope.abs().max() > 0
        parts = base.manifold.factors if isinstance(base.manifold, Product) else (base.manifold,)
        cuts = [part.coordinates for part in parts]
        for part, p, s, w in zip(parts, *(t.split(cuts, -1) for t in (points, slope, whole)), strict=True):
            if isinstance(part, Circle | Sphere):
                w = w - (w * p).sum(-1, keepdim=True) * p
                assert (s * p).sum(-1).abs().max() < 1e-9 * s.abs().max()
            torch.testing.assert_close(s, w)


@pytest.mark.parametrize("name", ["torus", "klein", "R3"])
@both_columns
def test_gradients_equal_finite_differences(name, sources):
    penalty = built(BASES[name], neurons=4, gates=2, sources=sources).double()
    names = [name for name, _ in penalty.named_parameters()]

    def value(weight, *points):
        return functional_call(penalty, dict(zip(names, points, strict=True)), (weight,))

    leaves = [p.detach().clone().requires_grad_() for p in penalty.parameters()]
    assert torch.autograd.gradcheck(value, (weights(8, sources or 4, dtype=torch.float64), *leaves))


@every_base
@both_columns
def test_stacked_runs_equal_a_loop(base, sources):
    """Runs stacked by `functional_call` under `vmap`, with points `(S, gates, N, coordinates)`."""
    runs = [built(base, sources=sources, seed=seed) for seed in range(3)]
    template = copy.deepcopy(runs[0])
    stack = {
        name: torch.stack([dict(run.named_parameters())[name].detach() for run in runs]).requires_grad_()
        for name, _ in template.named_parameters()
    }
    weight = weights(3, *template.shape)
    values = vmap(lambda points, w: functional_call(template, points, (w,)))(stack, weight)
    values.sum().backward()
    for seed, run in enumerate(runs):
        own = weight[seed].detach().clone().requires_grad_()
        expected = run(own)
        expected.backward()
        torch.testing.assert_close(values[seed], expected)
        torch.testing.assert_close(weight.grad[seed], own.grad)
        for name, points in run.named_parameters():
            torch.testing.assert_close(stack[name].grad[seed], points.grad)


@every_base
@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.SGD], ids=lambda kind: kind.__name__)
def test_points_move_at_every_step_and_stay_on_the_manifold(base, optimizer):
    """In the authors' code a new array replaced the optimizer's, so that the points stopped moving."""
    penalty = built(base, sources=5)
    weight = weights(*penalty.shape).detach()
    parameters = list(penalty.parameters())
    steps = optimizer(parameters, lr=0.05)
    for _ in range(6):
        before = [points.detach().clone() for points in parameters]
        steps.zero_grad()
        penalty(weight).backward()
        steps.step()
        penalty.retract_()
        assert all(new is old for new, old in zip(penalty.parameters(), parameters, strict=True))
        for points, old in zip(parameters, before, strict=True):
            assert base.manifold.distance(points, old).detach().max() > 0
            torch.testing.assert_close(points.detach(), base.manifold.retract(points.detach()))
            if isinstance(base.manifold, Circle | Sphere):
                torch.testing.assert_close(points.detach().norm(dim=-1), torch.ones(points.shape[:-1]))
            if isinstance(base.manifold, Torus | KleinBottle):
                assert ((points >= 0) & (points < 10)).all()


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_a_diverged_point_stays_nan(base):
    penalty = built(base)
    with torch.no_grad():
        penalty.points[0, 1] = math.nan
    penalty.retract_()
    assert penalty.points[0, 1].isnan().all()
    assert penalty.points[0, 2:].isfinite().all()
    assert penalty(torch.ones(penalty.shape)).isnan()


def test_retraction_writes_in_place():
    """The points of each run may be a slice of a stack."""
    runs = [built(BASES["sphere"], seed=seed) for seed in range(2)]
    stack = torch.stack([run.points.detach() for run in runs])
    for run, points in zip(runs, stack, strict=True):
        run.points.data = points
    stack.mul_(3)
    for run in runs:
        run.retract_()
    torch.testing.assert_close(stack.norm(dim=-1), torch.ones(2, 2, 6))


def train(manifold, inhibitor, seed):
    """Train points by `coefficients` and `retract`, as a trained embedding does, and return all final distances."""
    base = Moduli(manifold=manifold, inhibitor=inhibitor)
    points = manifold.sample(24, generator=seeded(seed)).requires_grad_()
    sizes = weights(24, 24).detach().abs()
    adam = torch.optim.Adam([points])
    for step in range(150):
        adam.param_groups[0]["lr"] = 0.3 * (1 - step / 150)
        adam.zero_grad()
        (base.coefficients(points) * sizes).mean().backward()
        adam.step()
        with torch.no_grad():
            points.copy_(manifold.retract(points))
    return manifold.pairwise(points.detach())


both_seeds = pytest.mark.parametrize("seed", [0, 1])


@both_seeds
@pytest.mark.parametrize("manifold", [Circle(), Sphere(), Torus(), Euclidean()], ids=lambda manifold: manifold.kind)
def test_a_rising_inhibitor_would_collapse_all_points(manifold, seed):
    collapsed = train(manifold, Diffusion(), seed)
    assert collapsed.max() < 0.02
    distances = train(manifold, DifferenceOfGaussians(), seed)
    assert distances.sum() / (24 * 23) > 0.8  # the cheapest distance is 0.8879
    assert DifferenceOfGaussians()(distances).mean() > 10


@both_seeds
@pytest.mark.parametrize(
    "manifold, clusters", [(Circle(), 2), (Sphere(), 2), (Torus(), 4)], ids=["circle", "sphere", "torus"]
)
def test_a_falling_inhibitor_would_gather_all_points_in_a_few_clusters(manifold, clusters, seed):
    near = train(manifold, Reversed(base=Diffusion(), ceiling=500), seed) < 1
    assert (
        len({tuple(row) for row in near.tolist()}) == clusters
    )  # points are near all of their own cluster and no others


@both_seeds
def test_on_euclidean_space_a_falling_inhibitor_would_leave_no_cost(seed):
    falling = Reversed(base=Diffusion(), ceiling=25)
    before = falling(Euclidean().pairwise(Euclidean().sample(24, generator=seeded(seed)))).fill_diagonal_(0)
    assert falling(train(Euclidean(), falling, seed)).fill_diagonal_(0).mean() < 1e-3 * before.mean()


@pytest.mark.parametrize(
    "inhibitor, reason",
    [
        (Diffusion(), "collapse to one point"),
        (Diffusion(power=1), "collapse to one point"),
        (Reversed(base=Diffusion(), ceiling=50), "move apart without limit"),
    ],
    ids=repr,
)
def test_monotone_inhibitors_are_refused_with_the_reason(inhibitor, reason):
    with pytest.raises(ValidationError, match=rf"base.inhibitor: expected .* not monotone, got .*{reason}"):
        Trained(base=Moduli(inhibitor=inhibitor))


def test_little_is_saved_for_the_backward_pass():
    n = 200
    penalty, weight = built(Moduli(), neurons=n, gates=1), weights(n, n)
    value = penalty(weight)
    nodes, saved = [value.grad_fn], 0
    for node in nodes:  # the list grows in the loop
        nodes += [after for after, _ in node.next_functions if after is not None]
        fields = [getattr(node, name) for name in dir(node) if name.startswith("_saved")]
        tensors = [*getattr(node, "saved_tensors", ()), *(value for value in fields if isinstance(value, torch.Tensor))]
        saved += sum(tensor.numel() for tensor in tensors)
    assert n * n <= saved < 1.1 * n * n  # the weight's gradient, and little else
    value.backward()
    torch.testing.assert_close(weight.grad, weight.detach().sign() * penalty.coefficients / n**2)


def test_gradients_of_second_order_are_refused():
    penalty, weight = built(Moduli()), weights(12, 6)
    (slope,) = torch.autograd.grad(penalty(weight), weight, create_graph=True)
    with pytest.raises(RuntimeError):
        slope.sum().backward()


def test_a_frozen_embedding_gets_no_gradient():
    penalty, weight = built(Moduli()), weights(12, 6)
    penalty.requires_grad_(False)
    penalty(weight).backward()
    assert penalty.points.grad is None
    assert weight.grad.abs().max() > 0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))], ids=["deepcopy", "pickle"])
def test_copies_train_independently(copied):
    first = built(BASES["sphere"])
    second, weight = copied(first), weights(12, 6)
    second(weight).backward()
    assert first.points.grad is None
    assert (second.points.grad * second.points).sum(-1).abs().max() < 1e-5 * second.points.grad.abs().max()
    with torch.no_grad():
        second.points.mul_(2)
    second.retract_()
    torch.testing.assert_close(second.points, first.points)


def test_gradients_are_finite_at_coincident_points():
    for base in BASES.values():
        penalty = built(base)
        with torch.no_grad():
            penalty.points[:, 1] = penalty.points[:, 0]
        penalty(weights(12, 6)).backward()
        assert torch.isfinite(penalty.points.grad).all()


def test_by_hand():
    points = torch.tensor([[[0.0, 0.0], [3.0, 4.0]]])
    penalty = TrainedPenalty(Moduli(inhibitor=Sinusoid(), reduction="sum"), points)
    expected = 3 * 100 + 2 * (50 + 50 * math.cos(10))
    assert penalty(torch.tensor([[1.0, -2.0], [0.0, 2.0]])).item() == pytest.approx(expected, rel=1e-5)
    assert penalty.points.data_ptr() != points.data_ptr()
    assert "shape=(2, 2)" in repr(penalty)
