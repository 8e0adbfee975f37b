"""Groups of neurons, each on its own manifold."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from srnn_manifolds import Diffusion, Euclidean, Group, Grouped, ManifoldError, Moduli, Sphere, Torus


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


TWO = Grouped(
    groups=(
        Group(share=0.4, base=Moduli(inhibitor=Diffusion(power=1))),
        Group(share=0.6, base=Moduli(manifold=Euclidean(), inhibitor=Diffusion())),
    ),
    between=7.5,
)


@pytest.mark.parametrize("gates", [1, 2])
@pytest.mark.parametrize("sources", [None, 5], ids=["square", "sources"])
def test_the_cost_of_each_pair_is_that_of_its_group(gates, sources):
    n, cols = 10, sources or 10
    penalty = TWO.build(n, gates=gates, sources=sources, generator=seeded())
    assert penalty.points is None
    first, second = math.floor(0.4 * n), math.floor(0.4 * cols)
    ends = {0: (0, 0), 1: (first, second)}
    for gate in range(gates):
        for j in range(n):
            for k in range(cols):
                one, other = int(j >= first), int(k >= second)
                got = penalty.coefficients[gate * n + j, k].item()
                if one != other:
                    assert got == 7.5
                    continue
                points = penalty.get_buffer(f"points_{one}")
                others = points if sources is None else penalty.get_buffer(f"source_points_{one}")
                a = points[gate, j - ends[one][0]].tolist()
                b = others[gate, k - ends[one][1]].tolist()
                apart = [abs(x - y) for x, y in zip(a, b, strict=True)]
                expected = math.hypot(*(min(x, 10 - x) for x in apart)) if one == 0 else sum(x * x for x in apart)
                assert got == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_one_group_equals_its_base():
    base = Moduli(manifold=Torus(dim=6), offset="empirical", power=2, reduction="sum")
    alone = Grouped(groups=(Group(share=1, base=base),), between=3).build(9, gates=2, generator=seeded())
    expected = base.build(9, gates=2, generator=seeded())
    assert torch.equal(alone.coefficients, expected.coefficients)
    assert torch.equal(alone.points_0, expected.points)
    weight = torch.randn(18, 9, generator=seeded(1))
    assert torch.equal(alone(weight), expected(weight))


def test_groups_draw_one_after_the_other():
    g = seeded(2)
    built = [group.base.build(n, generator=g) for group, n in zip(TWO.groups, (4, 6), strict=True)]
    penalty = TWO.build(10, generator=seeded(2))
    assert torch.equal(penalty.coefficients[:4, :4], built[0].coefficients)
    assert torch.equal(penalty.coefficients[4:, 4:], built[1].coefficients)


@pytest.mark.parametrize("shares", [(1,), (2, 1), (1, 1, 1), (29, 71), (1, 2, 3, 4), (33, 33, 34), (1, 99)], ids=str)
@given(n=st.integers(1, 10_000))
@example(n=50)  # 0.29 * 50 is 14.499999999999998, and 0.71 * 50 is 35.5: a tie
def test_sizes_are_by_the_largest_remainder(shares, n):
    total = sum(shares)
    value = Grouped(groups=tuple(Group(share=share / total, base=Moduli()) for share in shares), between=0)
    quotas = [Fraction(share * n, total) for share in shares]
    expected = [math.floor(quota) for quota in quotas]
    while sum(expected) < n:
        largest = max(range(len(shares)), key=lambda i: (quotas[i] - expected[i], -i))
        expected[largest] += 1
    assert value.sizes(n) == tuple(expected)


@pytest.mark.parametrize(
    "call, message",
    [
        ({"neurons": 1}, r"neurons: expected at least one for each group, got \(0, 1\) of 1"),
        ({"neurons": 9, "sources": 1}, r"sources: expected at least one for each group, got \(0, 1\) of 1"),
    ],
)
def test_a_group_without_neurons_is_refused(call, message):
    with pytest.raises(ManifoldError, match=message):
        TWO.build(**call, generator=seeded())


def test_reduction_and_power_are_those_of_the_groups():
    groups = tuple(Group(share=0.5, base=Moduli(manifold=m, reduction="sum", power=3)) for m in (Torus(), Sphere()))
    value = Grouped(groups=groups, between=2)
    penalty = value.build(4, generator=seeded())
    assert (value.reduction, value.power, penalty.reduction, penalty.power) == ("sum", 3, "sum", 3)
    only_between = torch.zeros(4, 4)
    only_between[0, 3] = -2
    assert penalty(only_between).item() == pytest.approx(2 * 8)
