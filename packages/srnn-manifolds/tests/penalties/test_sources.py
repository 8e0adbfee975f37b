"""Weights from another population; without one, the stored draws of an earlier version."""

import math

import pytest
import torch

from srnn_manifolds import (
    L1,
    Diffusion,
    Euclidean,
    Group,
    Grouped,
    KleinBottle,
    ManifoldError,
    Moduli,
    Normal,
    Product,
    Ricker,
    Shuffled,
    Sinusoid,
    Sphere,
    Torus,
    Trained,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# value, the next number of the generator, the last point of the second gate, three coefficients of the last row;
# printed by an earlier version without sources: 20 neurons, 2 gates, seed 7
STORED = [
    (Moduli(), 202873313, (6.685574531555176, 3.7807297706604004), (15.26754, 81.10076, 71.257263)),
    (
        Moduli(manifold=Sphere(), inhibitor=Sinusoid()),
        783625179,
        (-0.1691558, 0.9832107, 0.0684315),
        (43.3179, 5.56157, 73.1665),
    ),
    (
        Moduli(manifold=KleinBottle(), offset="empirical"),
        202873313,
        (6.685574531555176, 3.7807297706604004),
        (14.970474, 80.803696, 70.960197),
    ),
    (
        Moduli(manifold=Product(factors=(Sphere(), Torus())), inhibitor=Ricker()),
        1341414989,
        (-0.7911842, -0.6115719, -0.0027101, 1.0317325592041016, 6.157153129577637),
        (0.867332, 0.867325, 0.867325),
    ),
    (
        Moduli(manifold=Euclidean(sampling=Normal()), inhibitor=Diffusion()),
        783625179,
        (-0.160464, 0.9326899, 0.0649152),
        (3.568142, 10.38976, 2.422517),
    ),
    (Shuffled(base=Moduli()), 1408820226, (6.685574531555176, 3.7807297706604004), (19.231937, 74.293213, 49.352165)),
    (L1(matched=Moduli()), 202873313, None, (67.4632034,) * 3),
]


@pytest.mark.parametrize("value, following, point, row", STORED, ids=lambda v: repr(v) if hasattr(v, "kind") else "")
def test_without_sources_the_draws_equal_the_stored_ones(value, following, point, row):
    g = seeded(7)
    penalty = value.build(20, gates=2, generator=g)
    assert torch.randint(2**31, (1,), generator=g).item() == following
    assert penalty.source_points is None
    if point is not None:
        assert penalty.points[1, -1].tolist() == pytest.approx(point, abs=1e-6)
    assert penalty.coefficients.expand(40, 20)[-1, :3].tolist() == pytest.approx(row, rel=1e-5)


@pytest.mark.parametrize("gates", [1, 2])
def test_coefficients_are_costs_from_source_to_neuron_one_pair_at_a_time(gates):
    penalty = Moduli(inhibitor=Sinusoid()).build(6, gates=gates, sources=3, generator=seeded())
    assert penalty.shape == (6 * gates, 3)
    assert penalty.points.shape == (gates, 6, 2)
    assert penalty.source_points.shape == (gates, 3, 2)
    for gate in range(gates):
        for j, a in enumerate(penalty.points[gate].tolist()):
            for k, b in enumerate(penalty.source_points[gate].tolist()):
                d = math.hypot(*(min(abs(x - y), 10 - abs(x - y)) for x, y in zip(a, b, strict=True)))
                expected = 50 + 50 * math.cos(2 * d)
                assert penalty.coefficients[gate * 6 + j, k].item() == pytest.approx(expected, abs=1e-3)


def test_each_gate_draws_its_sources_after_its_neurons():
    g = seeded(4)
    penalty = Moduli(manifold=Sphere()).build(6, gates=2, sources=3, generator=seeded(4))
    for gate in range(2):
        assert torch.equal(penalty.points[gate], Sphere().sample(6, generator=g))
        assert torch.equal(penalty.source_points[gate], Sphere().sample(3, generator=g))


def test_as_many_sources_as_neurons_are_another_population():
    penalty = Moduli().build(6, sources=6, generator=seeded())
    assert not torch.equal(penalty.coefficients, penalty.coefficients.T)


def test_empirical_offset_is_per_gate():
    base = Moduli(manifold=Torus(dim=6))
    plain = base.build(6, gates=2, sources=4, generator=seeded()).coefficients.split(6)
    lowered = base.model_copy(update={"offset": "empirical"}).build(6, gates=2, sources=4, generator=seeded())
    for before, after in zip(plain, lowered.coefficients.split(6), strict=True):
        torch.testing.assert_close(after, before - min(before.flatten().tolist()))
        assert after.min() == 0


def test_shuffled_keeps_the_multiset_of_each_gate():
    plain, shuffled = (v.build(9, gates=2, sources=5, generator=seeded()) for v in (Moduli(), Shuffled(base=Moduli())))
    assert torch.equal(plain.source_points, shuffled.source_points)
    for before, after in zip(plain.coefficients.split(9), shuffled.coefficients.split(9), strict=True):
        assert sorted(before.flatten().tolist()) == sorted(after.flatten().tolist())
        assert not torch.equal(before, after)


def test_matched_l1_has_the_mean_coefficient():
    plain, l1 = (v.build(9, gates=2, sources=5, generator=seeded()) for v in (Moduli(), L1(matched=Moduli())))
    assert l1.shape == (18, 5)
    assert l1.mean_coefficient() == pytest.approx(plain.mean_coefficient(), rel=1e-6)
    torch.testing.assert_close(l1(torch.ones(18, 5)), plain(torch.ones(18, 5)))


def test_unit_l1_takes_the_shape():
    weight = torch.randn(12, 5, generator=seeded())
    assert L1().build(6, gates=2, sources=5)(weight).item() == pytest.approx(weight.abs().mean().item())


WHOLE = Grouped(groups=(Group(share=1, base=Moduli()),), between=0)
ALL = [Moduli(), Shuffled(base=Moduli()), L1(), Trained(base=Moduli()), WHOLE]


@pytest.mark.parametrize("value", ALL, ids=lambda value: value.kind)
def test_a_square_weight_is_refused_if_there_are_other_sources(value):
    penalty = value.build(6, gates=2, sources=5, generator=seeded())
    assert penalty.shape == (12, 5)
    penalty(torch.zeros(12, 5))
    with pytest.raises(ManifoldError, match=r"weight: expected shape \(12, 5\), got \(12, 6\)"):
        penalty(torch.zeros(12, 6))


def test_source_points_are_restored_with_the_state():
    first, second = (Moduli().build(6, sources=5, generator=seeded(seed)) for seed in (0, 1))
    assert set(first.state_dict()) == {"coefficients", "points", "source_points"}
    second.load_state_dict(first.state_dict())
    assert torch.equal(second.source_points, first.source_points)
