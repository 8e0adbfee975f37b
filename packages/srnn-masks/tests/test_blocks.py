"""Block RNNs as sizes and densities: the counts that the paper prints, and masks that have them."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from srnn_masks import Bernoulli, Blocks, Densities, FixedInDegree, MaskError, UniformRandom

EQ7 = Densities(hh=0.2, hy=0.2, yy=0.2)
EQ8 = Densities(hx=0.2, yx=0.2, yh=0.2)
EQ13 = Densities(hx=0.08)
NAMES = ("hx", "hh", "hy", "yx", "yh", "yy")
MATRICES = tuple(f"weight_{name}" for name in NAMES)

density = st.floats(0, 1)
DENSITIES = st.builds(Densities, **dict.fromkeys(NAMES, density))
SIZES = st.integers(1, 40)
BLOCKS = st.builds(Blocks, inputs=SIZES, hidden=st.floats(0.1, 1e4), outputs=SIZES, densities=DENSITIES)
WHOLE = st.builds(Blocks, inputs=SIZES, hidden=SIZES, outputs=SIZES, densities=DENSITIES)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# 2500 inputs, 10 outputs: densities, hidden units, printed counts of hx, hh, hy, yx, yh, yy, hidden proportion in %
PRINTED = {
    "dense": (Densities(), 29, (72_500, 841, 290, 25_000, 290, 100), 1.1),
    "uniform 20%": (Densities.uniform(0.2), 176, (88_000, 6_195, 352, 5_000, 352, 20), 6.6),
    "Figure 4": (EQ8, 144.545, (72_272, 20_893, 1_445, 5_000, 289, 100), 22.1),
    "Figure 5": (EQ7, 29.778, (74_445, 177, 60, 25_000, 298, 20), 0.2),
    "eq. 8, whole": (EQ8, 145, (72_500, 21_025, 1_450, 5_000, 290, 100), 22.1),
    "eq. 13": (EQ13, 185, (37_000, 34_225, 1_850, 25_000, 1_850, 100), 46.8),
}


@pytest.mark.parametrize("name", PRINTED)
def test_counts_are_those_of_the_paper(name):
    densities, hidden, counts, percent = PRINTED[name]
    blocks = Blocks(inputs=2500, hidden=hidden, outputs=10, densities=densities)
    # h has five or six digits, so the largest count is known to 0.5 * 10**-3 * 2500 weights
    known = 0.5 if float(hidden).is_integer() else 0.5 + 5e-4 * 2500 * densities.hx
    assert blocks.counts == pytest.approx(dict(zip(NAMES, counts, strict=True)), abs=known)
    assert list(blocks.counts) == list(NAMES)
    assert 100 * blocks.hidden_proportion == pytest.approx(percent, abs=0.05)


@pytest.mark.parametrize(
    ("densities", "hidden", "percent"),
    [(EQ8, 144.545, 24.4), (EQ13, 184.96, 19.0), (Densities.uniform(0.2), 176.14, 20.0), (EQ7, 29.778, 99.0)],
    ids=["eq. 8", "eq. 13", "uniform 20%", "eq. 7"],
)
def test_average_density(densities, hidden, percent):
    blocks = Blocks(inputs=2500, hidden=hidden, outputs=10, densities=densities)
    assert 100 * blocks.density == pytest.approx(percent, abs=0.05)


@given(WHOLE)
def test_masks_of_exact_counts_are_the_counts(blocks):
    masks = blocks.masks(UniformRandom, generator=seeded())
    x, h, y = blocks.inputs, int(blocks.hidden), blocks.outputs
    assert [tuple(mask.shape) for mask in masks.values()] == [(h, x), (h, h), (h, y), (y, x), (y, h), (y, y)]
    assert tuple(masks) == MATRICES
    present = {name: sum(sum(row) for row in masks[f"weight_{name}"].tolist()) for name in NAMES}
    assert present == {name: round(count) for name, count in blocks.counts.items()}
    assert blocks.total == pytest.approx(sum(present.values()), abs=3.001)
    assert blocks.density * (h + y) * (x + h + y) == pytest.approx(blocks.total)


def test_bernoulli_masks_are_the_default_and_come_from_the_generator_in_order():
    blocks = Blocks(inputs=30, hidden=20, outputs=4, densities=Densities(hx=0.3, hh=0.1, yh=0.6))
    state = torch.get_rng_state()
    masks = blocks.masks(generator=seeded(5))
    assert torch.equal(torch.get_rng_state(), state)
    g = seeded(5)
    shapes = zip(NAMES, [(20, 30), (20, 20), (20, 4), (4, 30), (4, 20), (4, 4)], strict=True)
    for name, (rows, cols) in shapes:
        drawn = Bernoulli(density=getattr(blocks.densities, name)).mask(rows, cols, generator=g)
        assert torch.equal(masks[f"weight_{name}"], drawn)
    assert all(masks[f"weight_{name}"].all() for name in ("hy", "yx", "yy"))


def test_bernoulli_counts_scatter_around_the_counts():
    """The mean of 400 draws, within five standard errors."""
    blocks = Blocks(inputs=30, hidden=20, outputs=4, densities=Densities.uniform(0.3))
    g = seeded(1)
    draws = torch.tensor([[int(m.sum()) for m in blocks.masks(generator=g).values()] for _ in range(400)]).double()
    expected = torch.tensor(list(blocks.counts.values()), dtype=torch.float64)
    assert ((draws.mean(dim=0) - expected).abs() < 5 * (expected * 0.7 / 400).sqrt()).all()
    assert (draws.std(dim=0) > 0).all()


def test_rounded():
    assert Blocks(inputs=2500, hidden=144.545, outputs=10, densities=EQ8).rounded() == Blocks(
        inputs=2500, hidden=145, outputs=10, densities=EQ8
    )
    with pytest.raises(MaskError, match=r"Blocks.rounded: expected at least one hidden unit .*, got hidden=0.3"):
        Blocks(inputs=3, hidden=0.3, outputs=2).rounded()


def test_masks_are_refused_where_they_cannot_be_drawn():
    blocks = Blocks(inputs=3, hidden=2.5, outputs=2)
    with pytest.raises(MaskError, match=r"expected a whole number of hidden units, got hidden=2.5; use rounded\(\)"):
        blocks.masks(generator=seeded())
    with pytest.raises(MaskError, match=r"expected the class of a pattern, .*, got FixedInDegree"):
        blocks.rounded().masks(FixedInDegree(degree=1), generator=seeded())


def test_the_hidden_proportion_of_nothing_is_refused():
    nothing = Blocks(inputs=3, hidden=2, outputs=2, densities=Densities(hx=0, hh=0, hy=0))
    with pytest.raises(MaskError, match=r"Blocks.hidden_proportion: expected a density above 0 of hx, hh or hy"):
        _ = nothing.hidden_proportion


@pytest.mark.parametrize("kind", [Blocks, Densities])
@given(data=st.data())
def test_json_round_trip(kind, data):
    value = data.draw(BLOCKS if kind is Blocks else DENSITIES)
    back = TypeAdapter(kind).validate_json(value.model_dump_json())
    assert back == value and hash(back) == hash(value) and back.kind == value.kind


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"inputs": 0, "hidden": 2, "outputs": 2}, "inputs"),
        ({"inputs": 2, "hidden": 0, "outputs": 2}, "hidden"),
        ({"inputs": 2, "hidden": float("inf"), "outputs": 2}, "hidden"),
        ({"inputs": 2, "hidden": 2, "outputs": 2.5}, "outputs"),
        ({"inputs": 2, "hidden": 2, "outputs": 2, "densities": {"hx": 1.5}}, "hx"),
        ({"inputs": 2, "hidden": 2, "outputs": 2, "densities": {"hx": True}}, "hx"),
        ({"inputs": 2, "hidden": 2, "outputs": 2, "densities": {"xh": 0.5}}, "xh"),
        ({"inputs": 2, "hidden": 2, "outputs": 2, "sparsity": 0.5}, "sparsity"),
    ],
    ids=str,
)
def test_refusals_name_the_field(value, named):
    with pytest.raises(ValidationError, match=named):
        Blocks.model_validate(value)


def test_values_are_frozen():
    blocks = Blocks(inputs=2, hidden=2, outputs=2)
    with pytest.raises(ValidationError, match="frozen"):
        blocks.hidden = 3
    with pytest.raises(ValidationError, match="frozen"):
        blocks.densities.hx = 0.5
