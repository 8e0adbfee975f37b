"""Moduli, its controls, and the penalties they build."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from srnn_manifolds import (
    L1,
    Circle,
    DifferenceOfGaussians,
    Diffusion,
    Euclidean,
    Group,
    Grouped,
    KleinBottle,
    ManifoldError,
    Moduli,
    Penalty,
    Shuffled,
    Sinusoid,
    Sphere,
    Torus,
    Trained,
    Uniform,
)

REGULARIZERS = {
    "moduli": Moduli(),
    "empirical": Moduli(manifold=Torus(dim=6), offset="empirical"),
    "quadratic": Moduli(manifold=Sphere(), power=2, reduction="sum"),
    "shuffled": Shuffled(base=Moduli(manifold=KleinBottle())),
    "unit": L1(),
    "quadratic unit": L1(coefficient=2, power=1.5, reduction="sum"),
    "matched": L1(matched=Moduli(reduction="sum"), reduction="sum"),
    "trained": Trained(base=Moduli()),
    "trained empirical": Trained(base=Moduli(manifold=Torus(dim=6), offset="empirical", power=2, reduction="sum")),
    "grouped": Grouped(
        groups=(Group(share=0.5, base=Moduli()), Group(share=0.5, base=Moduli(manifold=Sphere()))), between=50
    ),
}
every_regularizer = pytest.mark.parametrize("value", REGULARIZERS.values(), ids=REGULARIZERS)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def weights(*shape, seed=1, dtype=torch.float32):
    return torch.randn(*shape, generator=seeded(seed), dtype=dtype).requires_grad_()


def blocks(penalty, neurons):
    return penalty.coefficients.split(neurons)


def sorted_entries(block):
    return block.flatten().sort().values


@pytest.mark.parametrize("gates", [1, 3])
def test_coefficients_are_costs_of_distances_one_pair_at_a_time(gates):
    value = Moduli(manifold=Circle(), inhibitor=Sinusoid())
    penalty = value.build(7, gates=gates, generator=seeded())
    assert penalty.points.shape == (gates, 7, 2)
    assert penalty.coefficients.shape == (gates * 7, 7)
    for gate in range(gates):
        for j in range(7):
            for k in range(7):
                u, v = penalty.points[gate, j].tolist(), penalty.points[gate, k].tolist()
                turn = abs(math.atan2(u[1], u[0]) - math.atan2(v[1], v[0]))
                d = 5 * min(turn, 2 * math.pi - turn)
                expected = 50 + 50 * math.cos(2 * d)
                assert penalty.coefficients[gate * 7 + j, k].item() == pytest.approx(expected, abs=1e-3)


@every_regularizer
@pytest.mark.parametrize("gates", [1, 2])
def test_penalty_is_the_weighted_size_entry_by_entry(value, gates):
    penalty = value.build(5, gates=gates, generator=seeded())
    weight = weights(5 * gates, 5)
    coefficients = penalty.coefficients.expand(5 * gates, 5).flatten().tolist()
    pairs = zip(coefficients, weight.flatten().tolist(), strict=True)
    measure = getattr(value, "base", value)
    terms = [c * abs(w) ** measure.power for c, w in pairs]
    expected = sum(terms) / (len(terms) if measure.reduction == "mean" else 1)
    assert penalty(weight).shape == ()
    assert penalty(weight).item() == pytest.approx(expected, rel=1e-5)


@every_regularizer
def test_gradient_equals_finite_differences(value):
    penalty = value.build(4, gates=2, generator=seeded()).double()
    assert torch.autograd.gradcheck(penalty, weights(8, 4, dtype=torch.float64))


@every_regularizer
def test_gradient_is_zero_at_weights_of_zero_and_none_goes_to_the_coefficients(value):
    penalty = value.build(4, generator=seeded())
    weight = weights(4, 4)
    with torch.no_grad():
        weight[1] = 0
    penalty(weight).backward()
    assert (weight.grad[1] == 0).all()
    assert (weight.grad[0] != 0).any()
    assert [name for name, _ in penalty.named_parameters()] == (["points"] if isinstance(value, Trained) else [])
    assert not penalty.coefficients.requires_grad


@every_regularizer
def test_a_wrong_shape_is_refused_with_expected_and_got(value):
    penalty = value.build(4, gates=3, generator=seeded())
    for wrong in ((4, 4), (12, 5), (12,), (1, 12, 4), (4, 12)):
        with pytest.raises(ManifoldError) as error:
            penalty(torch.zeros(wrong))
        assert "weight" in str(error.value)
        assert "(12, 4)" in str(error.value)
        assert str(wrong) in str(error.value)


@every_regularizer
def test_a_seed_fixes_the_penalty_and_the_global_generator_is_not_used(value):
    before = torch.get_rng_state()
    built = [value.build(12, gates=2, generator=seeded(seed)) for seed in (0, 0, 1)]
    results = [penalty(weights(24, 12).detach()) for penalty in built]
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(results[0], results[1])
    assert torch.equal(built[0].coefficients, built[1].coefficients)
    if getattr(value, "matched", True):
        assert not torch.equal(results[0], results[2])


@every_regularizer
def test_state_dict_restores_the_embedding(value):
    first = value.build(6, gates=2, generator=seeded(0))
    second = value.build(6, gates=2, generator=seeded(1))
    others = {L1: {"coefficients"}, Trained: {"points"}, Grouped: {"coefficients", "points_0", "points_1"}}
    names = others.get(type(value), {"coefficients", "points"})
    assert set(first.state_dict()) == names
    second.load_state_dict(first.state_dict())
    for name in names:
        assert torch.equal(getattr(second, name), getattr(first, name))
    weight = weights(12, 6)
    assert torch.equal(first(weight), second(weight))


@every_regularizer
def test_maps_over_seeds_and_differentiates_by_function(value):
    penalty = value.build(5, generator=seeded())
    stack = weights(3, 5, 5).detach()
    values = torch.func.vmap(penalty)(stack)
    slopes = torch.func.vmap(torch.func.grad(penalty))(stack)
    for weight, value_, slope in zip(stack, values, slopes, strict=True):
        weight = weight.clone().requires_grad_()
        expected = penalty(weight)
        torch.testing.assert_close(value_, expected)
        torch.testing.assert_close(slope, torch.autograd.grad(expected, weight)[0])


@every_regularizer
def test_nan_in_the_weight_gives_nan(value):
    penalty = value.build(3, generator=seeded())
    weight = torch.ones(3, 3)
    weight[1, 2] = math.nan
    assert penalty(weight).isnan()


@every_regularizer
@pytest.mark.parametrize(
    "wrong", [{"neurons": 0}, {"neurons": 4, "gates": 0}, {"neurons": -3}, {"neurons": 4, "sources": 0}]
)
def test_sizes_are_checked(value, wrong):
    with pytest.raises(ManifoldError, match=f"{list(wrong)[-1]}: expected at least 1"):
        value.build(**wrong, generator=seeded())


DRAWN = [Moduli(), Shuffled(base=Moduli()), L1(matched=Moduli()), Trained(base=Moduli()), REGULARIZERS["grouped"]]


@pytest.mark.parametrize("value", DRAWN, ids=lambda value: value.kind)
def test_a_draw_without_generator_is_refused(value):
    with pytest.raises(ManifoldError, match="generator"):
        value.build(4, generator=None)


def test_each_gate_and_each_parameter_has_its_own_embedding():
    g = seeded()
    first, second = (Moduli().build(10, gates=3, generator=g) for _ in range(2))
    embeddings = [*first.points, *second.points]
    assert all(not torch.equal(a, b) for i, a in enumerate(embeddings) for b in embeddings[:i])
    alone = Moduli().build(10, generator=seeded())
    assert torch.equal(first.points[0], alone.points[0])
    assert torch.equal(blocks(first, 10)[0], alone.coefficients)
    for block in blocks(first, 10):
        assert torch.equal(block, block.T)
        torch.testing.assert_close(block.diagonal(), torch.full((10,), 81.142), rtol=0, atol=1e-3)


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_sum_and_mean_give_one_gradient_if_the_strengths_are_converted(power):
    n, strength = 30, 0.1
    weight = weights(n, n)
    mean, total = (Moduli(reduction=r, power=power).build(n, generator=seeded()) for r in ("mean", "sum"))
    (by_mean,) = torch.autograd.grad(strength * mean(weight), weight)
    (by_sum,) = torch.autograd.grad(strength / n**2 * total(weight), weight)
    torch.testing.assert_close(by_mean, by_sum)
    assert by_mean.abs().max() > 0


@pytest.mark.parametrize(
    "inhibitor", [DifferenceOfGaussians(), Sinusoid(), DifferenceOfGaussians(ceiling="amplitude")], ids=repr
)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_moduli_is_l1_where_the_inhibitor_is_constant(inhibitor, reduction):
    """All points coincide: f is f(0) everywhere."""
    one_point = Euclidean(sampling=Uniform(side=1e-12))
    constant = inhibitor(torch.zeros(())).item()
    moduli = Moduli(manifold=one_point, inhibitor=inhibitor, reduction=reduction).build(9, generator=seeded())
    l1 = L1(coefficient=constant, reduction=reduction).build(9)
    weight = weights(9, 9)
    torch.testing.assert_close(moduli(weight), l1(weight))
    torch.testing.assert_close(moduli(weight), constant * getattr(weight.abs(), reduction)())
    slopes = [torch.autograd.grad(penalty(weight), weight)[0] for penalty in (moduli, l1)]
    torch.testing.assert_close(*slopes)


def test_unit_l1_is_plain_mean_size():
    weight = weights(6, 6)
    assert L1().build(6)(weight).item() == pytest.approx(weight.abs().mean().item())


@pytest.mark.parametrize("gates", [1, 3])
def test_matched_l1_has_the_mean_coefficient_of_that_embedding(gates):
    moduli = Moduli(manifold=KleinBottle(), offset="empirical")
    expected = moduli.build(40, gates=gates, generator=seeded(3))
    l1 = L1(matched=moduli).build(40, gates=gates, generator=seeded(3))
    assert l1.coefficients.shape == ()
    assert l1.mean_coefficient() == pytest.approx(expected.mean_coefficient(), rel=1e-6)
    assert expected.mean_coefficient() == pytest.approx(expected.coefficients.double().mean().item(), rel=1e-12)
    ones = torch.ones(40 * gates, 40)
    torch.testing.assert_close(l1(ones), expected(ones))
    half = L1(coefficient=0.5, matched=moduli).build(40, gates=gates, generator=seeded(3))
    assert half.mean_coefficient() == pytest.approx(expected.mean_coefficient() / 2, rel=1e-6)


def test_mean_coefficient_has_the_known_value():
    """66.26 on the torus; the diagonal, f(0) = 81.14, adds (81.14 - 66.26) / n."""
    measured = [Moduli().build(400, generator=seeded(seed)).mean_coefficient() for seed in range(10)]
    expected = 66.26 + (81.14 - 66.26) / 400
    spread = torch.tensor(measured).std().item() / math.sqrt(10)
    assert abs(sum(measured) / 10 - expected) < 5 * spread + 0.01


@pytest.mark.parametrize("ceiling", ["peak", "amplitude"])
@pytest.mark.parametrize("n", [16, 200])
def test_empirical_offset_is_the_maximum_of_the_drawn_matrix_minus_g(n, ceiling):
    """The authors' "invert", per gate, on the 6-torus where it differs from the analytic offset."""
    inhibitor = DifferenceOfGaussians(ceiling=ceiling)
    value = Moduli(manifold=Torus(dim=6), inhibitor=inhibitor, offset="empirical")
    penalty = value.build(n, gates=2, generator=seeded())
    for points, block in zip(penalty.points.double(), blocks(penalty, n), strict=True):
        delta = (points[:, None] - points[None]).abs() % 10
        squares = torch.minimum(delta, 10 - delta).square().sum(-1)
        g = 100 * ((-squares / 5).exp() - (-4 * squares).exp())
        torch.testing.assert_close(block.double(), g.max() - g, rtol=0, atol=1e-4)
        assert block.min() == 0
        assert g.max() < 81.1


def test_analytic_offset_does_not_depend_on_the_drawn_points():
    analytic = Moduli(manifold=Torus(dim=6)).build(16, generator=seeded())
    assert analytic.coefficients.min() > 1
    assert analytic.coefficients[0, 0].item() == pytest.approx(81.142, abs=1e-3)


@given(st.integers(2, 12), st.integers(1, 3), st.integers(0, 1000))
def test_shuffling_keeps_the_multiset_of_each_gate(n, gates, seed):
    base = Moduli(manifold=Sphere(), inhibitor=Diffusion())
    moduli = base.build(n, gates=gates, generator=seeded(seed))
    shuffled = Shuffled(base=base).build(n, gates=gates, generator=seeded(seed))
    assert torch.equal(shuffled.points, moduli.points)
    for before, after in zip(blocks(moduli, n), blocks(shuffled, n), strict=True):
        assert torch.equal(sorted_entries(before), sorted_entries(after))
        assert after.sum().item() == pytest.approx(before.sum().item(), rel=1e-5)


def test_shuffling_destroys_symmetry_and_diagonal():
    n = 100
    moduli, shuffled = (v.build(n, gates=2, generator=seeded()) for v in (Moduli(), Shuffled(base=Moduli())))
    one, two = blocks(shuffled, n)
    assert not torch.equal(shuffled.coefficients, moduli.coefficients)
    assert not torch.equal(one, one.T)
    assert moduli.coefficients[:n].diagonal().std() < 1e-3
    assert one.diagonal().std() > 10
    # Gates are permuted independently: their orders agree only by chance.
    order_one, order_two = one.flatten().argsort(), two.flatten().argsort()
    assert (order_one == order_two).float().mean() < 0.01


def test_shuffling_moves_every_entry_to_every_place_equally_often():
    """A Diffusion matrix is 0 only on its diagonal; shuffled, each of its n^2 entries is 0 in 1 / n of the draws."""
    n, rounds = 4, 3000
    shuffled = Shuffled(base=Moduli(inhibitor=Diffusion())).build(n, gates=rounds, generator=seeded())
    zeros = shuffled.coefficients.reshape(rounds, n, n) == 0
    share = zeros.float().mean(0)  # (n, n), expected 1 / n everywhere
    assert (share - 1 / n).abs().max() < 5 * math.sqrt(0.25 * 0.75 / rounds)
    # Permuted rows or columns would keep one zero in each; only 4^4 of the 1820 ways to place 4 zeros do so.
    for dim in (1, 2):
        one_each = (zeros.sum(dim) == 1).all(-1).float().mean().item()
        assert one_each == pytest.approx(4**4 / 1820, abs=5 * math.sqrt(0.14 * 0.86 / rounds))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
def test_weights_of_another_precision(dtype):
    penalty = Moduli().build(8, generator=seeded())
    weight = weights(8, 8).detach().to(dtype).requires_grad_()
    (slope,) = torch.autograd.grad(penalty(weight), weight)
    assert slope.dtype == dtype
    expected = (penalty.coefficients.double() * weight.double().abs()).mean()
    assert penalty(weight).item() == pytest.approx(expected.item(), rel=1e-5)


HALF = {
    "moduli": Moduli(),
    "moduli, squares": Moduli(power=2),
    "shuffled": Shuffled(base=Moduli()),
    "l1": L1(coefficient=60),
    "matched l1": L1(matched=Moduli(power=2), power=2),
    "grouped": Grouped(groups=(Group(share=0.5, base=Moduli()), Group(share=0.5, base=Moduli())), between=50),
    "trained": Trained(base=Moduli(manifold=Sphere())),
}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("half_penalty", [True, False])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", HALF)
def test_a_penalty_of_half_precision_is_that_of_full_precision(name, reduction, half_penalty, dtype):
    """The sum over 300 x 300 entries is above 65,504, the largest float16."""
    value = with_reduction(HALF[name], reduction)
    penalty = value.build(300, generator=seeded())
    weight = weights(300, 300).detach().to(dtype)
    if half_penalty:
        penalty = penalty.to(dtype)
    found, slope = value_and_slope(penalty, weight)
    expected, slope_expected = value_and_slope(penalty.double(), weight.double())
    tolerance = 20 * torch.finfo(dtype).eps  # of the costs, which the trained penalty computes from rounded points
    assert found.isfinite()
    assert found.item() == pytest.approx(expected.item(), rel=tolerance)
    assert slope.dtype == dtype
    error = (slope.double() - slope_expected).abs().max() / slope_expected.abs().max()
    assert error < tolerance


def with_reduction(value, reduction):
    data = value.model_dump()

    def put(part):
        if isinstance(part, dict):
            for inner in part.values():
                put(inner)
            if "reduction" in part:
                part["reduction"] = reduction
        elif isinstance(part, list | tuple):
            for inner in part:
                put(inner)

    put(data)
    return type(value).model_validate(data)


def value_and_slope(penalty, weight):
    leaf = weight.clone().requires_grad_()
    total = penalty(leaf)
    return total, torch.autograd.grad(total, leaf)[0]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("power", [1.0, 2.0])
def test_a_penalty_of_edges_in_half_precision(reduction, power):
    mask = torch.ones(200, 200, dtype=torch.bool)
    penalty = Moduli(reduction=reduction, power=power).build_edges(mask.nonzero().T, 200, generator=seeded())
    values = 10 * weights(40_000).detach().half()
    expected = penalty.double()(values.double()).item()
    assert penalty.half()(values).item() == pytest.approx(expected, rel=1e-3)


def test_infinite_coefficients_are_refused():
    with pytest.raises(ManifoldError, match="coefficients: expected finite"):
        Moduli(inhibitor=Diffusion(power=500)).build(20, generator=seeded())


@pytest.mark.parametrize(
    "arguments, name",
    [
        ({"coefficients": torch.ones(3)}, "coefficients"),
        ({"coefficients": torch.tensor(1.0)}, "coefficients"),
        ({"coefficients": torch.ones(3, 3), "shape": (4, 3)}, "coefficients"),
        ({"coefficients": torch.ones(3, 3), "power": 0.5}, "power"),
        ({"coefficients": torch.ones(3, 3), "power": math.inf}, "power"),
        ({"coefficients": torch.ones(3, 3), "reduction": "max"}, "reduction"),
    ],
)
def test_penalties_by_hand_are_checked(arguments, name):
    with pytest.raises(ManifoldError, match=f"{name}: expected"):
        Penalty(**arguments)


def test_repr_shows_shape_and_measure():
    assert "shape=(8, 4), reduction='mean', power=1" in repr(Moduli().build(4, gates=2, generator=seeded()))
