"""A mask of the cheapest pairs."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from srnn_manifolds import Cheapest, Diffusion, Euclidean, KleinBottle, ManifoldError, Moduli, Sphere, Uniform

BASES = [Moduli(), Moduli(manifold=Sphere(), inhibitor=Diffusion()), Moduli(manifold=KleinBottle(), offset="empirical")]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("base", BASES, ids=repr)
@given(
    neurons=st.integers(1, 9),
    cols=st.none() | st.integers(1, 9),
    gates=st.integers(1, 3),
    density=st.floats(0, 1),
    seed=st.integers(0, 99),
)
def test_keeps_the_cheapest_of_each_gate_and_no_others(base, neurons, cols, gates, density, seed):
    cols = neurons if cols is None else cols
    sources = None if cols == neurons else cols
    mask = Cheapest(base=base, density=density).mask(gates * neurons, cols, gates=gates, generator=seeded(seed))
    assert mask.dtype is torch.bool
    costs = base.build(neurons, gates=gates, sources=sources, generator=seeded(seed)).coefficients
    for gate_mask, block in zip(mask.split(neurons), costs.split(neurons), strict=True):
        ranked = sorted((block[j, k].item(), j, k) for j in range(neurons) for k in range(cols))
        chosen = {(j, k) for _, j, k in ranked[: round(density * neurons * cols)]}
        assert {tuple(pair) for pair in gate_mask.nonzero().tolist()} == chosen


def test_a_ring_of_neighbours_and_no_self_connections():
    """f(0.447) = f(1.82), and a tenth of the torus is between these distances from a point."""
    pattern = Cheapest(base=Moduli(), density=0.1)
    mask = pattern.mask(300, 300, generator=seeded())
    points = Moduli().build(300, generator=seeded()).points[0]
    delta = (points[:, None] - points).abs()
    d = torch.minimum(delta, 10 - delta).square().sum(-1).sqrt()
    assert not mask.diagonal().any()
    assert torch.equal(mask, mask.T)
    near = (d > 0.42) & (d < 1.92)
    assert near[mask].all()
    assert d[mask].min() < 0.8879 < d[mask].max()


def test_ties_are_kept_by_row_then_column():
    one_point = Moduli(manifold=Euclidean(sampling=Uniform(side=1e-30)))
    mask = Cheapest(base=one_point, density=0.5).mask(10, 5, gates=2, generator=seeded())
    expected = (torch.arange(25) < 12).reshape(5, 5)  # round(12.5) is 12
    assert torch.equal(mask, expected.repeat(2, 1))


@pytest.mark.parametrize("rows, cols, gates", [(24, 24, 1), (72, 24, 3), (72, 10, 3), (24, 72, 1)])
def test_the_protocol_of_patterns(rows, cols, gates):
    pattern = Cheapest(base=Moduli(), density=0.3)
    before = torch.get_rng_state()
    mask, again, other = (pattern.mask(rows, cols, gates=gates, generator=seeded(seed)) for seed in (0, 0, 1))
    assert mask.shape == (rows, cols)
    assert torch.equal(mask, again)
    assert not torch.equal(mask, other)
    assert mask.reshape(gates, -1).sum(1).tolist() == [round(0.3 * rows * cols / gates)] * gates
    indices = pattern.indices(rows, cols, gates=gates, generator=seeded())
    assert indices.dtype is torch.int64
    assert torch.equal(indices, mask.nonzero().T)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"rows": 24, "cols": 24, "generator": None}, "Cheapest: .*generator"),
        ({"rows": 25, "cols": 24, "gates": 3}, "gates=3, got rows=25"),
        ({"rows": 0, "cols": 24}, "rows >= 1, got rows=0"),
        ({"rows": 24, "cols": 0}, "cols >= 1, got cols=0"),
        ({"rows": 24, "cols": 24, "gates": 0}, "gates >= 1, got gates=0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    pattern = Cheapest(base=Moduli(), density=0.3)
    for method in (pattern.mask, pattern.indices):
        with pytest.raises(ManifoldError, match=message):
            method(**{"generator": seeded()} | arguments)


@pytest.mark.parametrize("fields", [{"density": 1.1}, {"density": -0.1}, {"density": float("nan")}, {}])
def test_bad_values_are_refused(fields):
    with pytest.raises(ValidationError, match="density"):
        Cheapest(base=Moduli(), **fields)
    with pytest.raises(ValidationError, match="colour"):
        Cheapest(base=Moduli(), density=0.5, colour="red")


@pytest.mark.parametrize("base", BASES, ids=repr)
def test_json_round_trip(base):
    value = Cheapest(base=base, density=0.25)
    back = Cheapest.model_validate_json(value.model_dump_json())
    assert back == value
    assert hash(back) == hash(value)
    with pytest.raises(ValidationError, match="frozen"):
        value.density = 0.5
