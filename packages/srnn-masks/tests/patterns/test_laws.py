"""Laws of every pattern: a new member joins `MEMBERS`, `VALUES` and `REFUSED` with one line each."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from srnn_masks import AnyPattern, Bernoulli, Dense, FixedInDegree, Locality, MaskError, UniformRandom
from srnn_masks.testing import check_pattern

ANY = TypeAdapter(AnyPattern)

# pattern, rows of a gate, cols, random, entries of one gate: an exact count or None
MEMBERS = [
    (Locality(sheet=(4, 6), radius=1), 24, 24, False, 24 * 5),
    (Locality(sheet=(4, 6), radius=1.5, periodic=False), 24, 24, False, None),
    (Locality(sheet=(1, 7), radius=2), 7, 7, False, 7 * 5),
    (Locality(sheet=(1, 1), radius=0), 1, 1, False, 1),
    (Locality(sheet=(5, 3), radius=1e300), 15, 15, False, 225),
    (FixedInDegree(degree=5), 24, 24, True, 24 * 5),
    (FixedInDegree(degree=1), 24, 400, True, 24),
    (FixedInDegree(degree=20, self_connections=False), 24, 24, True, 24 * 20),
    (FixedInDegree(degree=2, self_connections=False), 40, 40, True, 80),
    (UniformRandom(density=0.1), 24, 24, True, None),
    (UniformRandom(density=0.9), 24, 30, True, round(0.9 * 720)),
    (Bernoulli(density=0.1), 24, 24, True, None),
    (Bernoulli(density=0.7), 24, 30, True, None),
    (Dense(), 24, 30, False, 720),
]
RANDOM = [(p, r, c) for p, r, c, random, _ in MEMBERS if random]

probability = st.floats(0, 1)
VALUES = st.one_of(
    st.builds(
        Locality,
        sheet=st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)),
        radius=st.floats(0, allow_infinity=False),
        periodic=st.booleans(),
    ),
    st.builds(FixedInDegree, degree=st.integers(0, 10**12), self_connections=st.booleans()),
    st.builds(UniformRandom, density=probability),
    st.builds(Bernoulli, density=probability),
    st.builds(Dense),
)

REFUSED = [
    ({"kind": "locality", "sheet": [20, 20], "radius": -1}, "radius"),
    ({"kind": "locality", "sheet": [20, 20], "radius": math.nan}, "radius"),
    ({"kind": "locality", "sheet": [20, 20], "radius": math.inf}, "radius"),
    ({"kind": "locality", "sheet": [20, 20]}, "radius"),
    ({"kind": "locality", "sheet": [], "radius": 1}, "sheet"),
    ({"kind": "locality", "sheet": [20], "radius": 1}, "sheet"),
    ({"kind": "locality", "sheet": [20, 20, 1], "radius": 1}, "sheet"),
    ({"kind": "locality", "sheet": [0, 20], "radius": 1}, "sheet"),
    ({"kind": "locality", "sheet": [20, -3], "radius": 1}, "sheet"),
    ({"kind": "locality", "sheet": [20, 20.5], "radius": 1}, "sheet"),
    ({"kind": "locality", "sheet": [20, 20], "radius": 1, "torus": True}, "torus"),
    ({"kind": "fixed_in_degree", "degree": -1}, "degree"),
    ({"kind": "fixed_in_degree", "degree": 2.5}, "degree"),
    ({"kind": "fixed_in_degree", "degree": 2, "density": 0.5}, "density"),
    ({"kind": "uniform_random", "density": 1.5}, "density"),
    ({"kind": "uniform_random", "density": -0.1}, "density"),
    ({"kind": "uniform_random", "density": math.nan}, "density"),
    ({"kind": "uniform_random", "density": 0.5, "seed": 1}, "seed"),
    ({"kind": "bernoulli", "density": 1.5}, "density"),
    ({"kind": "bernoulli", "density": math.inf}, "density"),
    ({"kind": "bernoulli", "p": 0.5}, "p"),
    ({"kind": "dense", "density": 1.0}, "density"),
    ({"kind": "bernouilli", "density": 0.5}, "bernouilli"),
    ({"density": 0.5}, "kind"),
]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("pattern", "rows", "cols", "random", "count"), MEMBERS, ids=str)
def test_obeys_the_laws(pattern, rows, cols, random, count):
    check_pattern(pattern, rows, cols, random=random)


def test_the_only_outcome():
    others = FixedInDegree(degree=23, self_connections=False).mask(72, 24, gates=3, generator=seeded())
    assert torch.equal(others, ~torch.eye(24, dtype=torch.bool).repeat(3, 1))
    assert not FixedInDegree(degree=0).mask(72, 24, gates=3, generator=seeded()).any()
    assert FixedInDegree(degree=24).mask(72, 24, gates=3, generator=seeded()).all()
    for kind in (UniformRandom, Bernoulli):
        assert kind(density=1).mask(72, 24, gates=3, generator=seeded()).all()
        assert not kind(density=0).mask(72, 24, gates=3, generator=seeded()).any()


@pytest.mark.parametrize("gates", [1, 3, 4])
@pytest.mark.parametrize(("pattern", "rows", "cols", "random", "count"), [m for m in MEMBERS if m[4] is not None])
def test_counts_hold_in_every_gate(pattern, rows, cols, random, count, gates):
    mask = pattern.mask(gates * rows, cols, gates=gates, generator=seeded())
    assert mask.reshape(gates, -1).sum(dim=1).tolist() == [count] * gates


@pytest.mark.parametrize(
    ("pattern", "rows", "cols"),
    [*(m for m in RANDOM if not isinstance(m[0], UniformRandom)), (UniformRandom(density=0.25), 24, 24)],
    ids=str,
)
def test_gates_are_successive_draws(pattern, rows, cols):
    """Except for a uniform mask whose gates share a remainder."""
    g = seeded(3)
    apart = torch.cat([pattern.mask(rows, cols, generator=g) for _ in range(3)])
    assert torch.equal(pattern.mask(3 * rows, cols, gates=3, generator=seeded(3)), apart)


@pytest.mark.parametrize("gates", [1, 2, 3, 4])
@given(density=probability, rows=st.integers(1, 9), cols=st.integers(1, 9))
def test_uniform_random_is_exact_in_all_and_within_one_per_gate(gates, density, rows, cols):
    mask = UniformRandom(density=density).mask(gates * rows, cols, gates=gates, generator=seeded())
    assert int(mask.sum()) == round(density * gates * rows * cols)
    counts = mask.reshape(gates, -1).sum(dim=1)
    assert counts.max() - counts.min() <= 1


@given(rows=st.integers(1, 12), cols=st.integers(1, 40), data=st.data())
def test_fixed_in_degree_is_exact_in_every_row(rows, cols, data):
    degree = data.draw(st.integers(0, cols))
    indices = FixedInDegree(degree=degree).indices(2 * rows, cols, gates=2, generator=seeded())
    assert indices[0].tolist() == [row for row in range(2 * rows) for _ in range(degree)]
    entries = [tuple(entry) for entry in indices.T.tolist()]
    assert entries == sorted(set(entries))
    assert indices[1].lt(cols).all() and indices[1].ge(0).all()


@given(size=st.integers(2, 20), data=st.data())
def test_without_self_connections_the_diagonal_is_empty(size, data):
    degree = data.draw(st.integers(0, size - 1))
    pattern = FixedInDegree(degree=degree, self_connections=False)
    mask = pattern.mask(3 * size, size, gates=3, generator=seeded())
    assert (mask.sum(dim=1) == degree).all()
    assert not mask.reshape(3, size, size).diagonal(dim1=1, dim2=2).any()


@pytest.mark.parametrize(
    ("pattern", "chance"),
    [
        (FixedInDegree(degree=3), 3 / 40),  # sparse draw: redraws duplicates
        (FixedInDegree(degree=15), 15 / 40),  # dense draw: sorts noise
        (UniformRandom(density=0.1), 0.1),
        (UniformRandom(density=0.6), 0.6),
        (Bernoulli(density=0.1), 0.1),
        (Bernoulli(density=0.6), 0.6),
    ],
    ids=str,
)
def test_every_entry_and_pair_is_equally_likely(pattern, chance):
    """Six standard errors over 2000 masks of 1600 entries: a wrong draw fails, a right one does so once in 1e5 runs."""
    g = seeded(11)
    n, masks = 2000, []
    for _ in range(n):
        masks.append(pattern.mask(40, 40, generator=g))
    share = torch.stack(masks).double().mean(dim=0)
    assert (share - chance).abs().max() < 6 * math.sqrt(chance * (1 - chance) / n)
    pairs = torch.stack([m[:, 0] & m[:, 1] for m in masks]).double().mean()
    if isinstance(pattern, Bernoulli):
        both = chance**2
    else:
        population, count = (40, pattern.degree) if isinstance(pattern, FixedInDegree) else (1600, round(chance * 1600))
        both = float(Fraction(count, population) * Fraction(count - 1, population - 1))
    assert abs(float(pairs) - both) < 6 * math.sqrt(both * (1 - both) / (40 * n)) + 1e-12


def test_bernoulli_counts_are_binomial():
    g = seeded(5)
    counts = torch.tensor(
        [int(Bernoulli(density=0.3).indices(20, 20, generator=g).shape[1]) for _ in range(4000)]
    ).double()
    mean, variance = 400 * 0.3, 400 * 0.3 * 0.7
    assert abs(float(counts.mean()) - mean) < 5 * math.sqrt(variance / 4000)
    assert abs(float(counts.var()) / variance - 1) < 5 * math.sqrt(2 / 4000)


@given(VALUES)
def test_json_round_trip(pattern):
    back = ANY.validate_json(pattern.model_dump_json())
    assert back == pattern and type(back) is type(pattern) and hash(back) == hash(pattern)
    assert ANY.validate_python(pattern.model_dump()) == pattern


@given(VALUES, VALUES)
def test_equal_values_hash_alike_and_other_values_differ(one, other):
    assert (one == other) == (one.model_dump_json() == other.model_dump_json())
    assert len({one, other}) == (1 if one == other else 2)


@pytest.mark.parametrize(("value", "named"), REFUSED, ids=str)
def test_refusals_name_the_field(value, named):
    with pytest.raises(ValidationError, match=named):
        ANY.validate_python(value)


@pytest.mark.parametrize("pattern", [m[0] for m in MEMBERS], ids=str)
def test_values_are_frozen(pattern):
    with pytest.raises(ValidationError, match="frozen"):
        pattern.kind = "other"


@pytest.mark.parametrize(
    ("pattern", "arguments", "message"),
    [
        (Locality(sheet=(20, 20), radius=4), (400, 300, 1), r"sheet=\(20, 20\) expected cols = 400, got cols=300"),
        (Locality(sheet=(20, 20), radius=4), (400, 400, 2), r"expected rows = 800 for gates=2, got rows=400"),
        (Locality(sheet=(20, 20), radius=4), (1200, 400, 1), r"expected rows = 400 for gates=1, got rows=1200"),
        (FixedInDegree(degree=11), (10, 10, 1), r"expected degree <= 10 for cols=10, got 11"),
        (FixedInDegree(degree=10, self_connections=False), (10, 10, 1), r"expected degree <= 9 for cols=10, got 10"),
        (
            FixedInDegree(degree=2, self_connections=False),
            (20, 10, 1),
            r"rows / gates = cols = 10, got rows / gates = 20",
        ),
        (UniformRandom(density=0.5), (10, 10, 3), r"expected rows to be a multiple of gates=3, got rows=10"),
        (Bernoulli(density=0.5), (0, 10, 1), r"expected rows >= 1, got rows=0"),
        (Bernoulli(density=0.5), (10, 0, 1), r"expected cols >= 1, got cols=0"),
        (Dense(), (10, 10, 0), r"expected gates >= 1, got gates=0"),
    ],
    ids=str,
)
@pytest.mark.parametrize("form", ["mask", "indices"])
def test_shapes_that_do_not_fit_are_refused(pattern, arguments, message, form):
    rows, cols, gates = arguments
    with pytest.raises(MaskError, match=message):
        getattr(pattern, form)(rows, cols, gates=gates, generator=seeded())


@pytest.mark.parametrize(
    "pattern", [FixedInDegree(degree=10), UniformRandom(density=1e-8), Bernoulli(density=1e-8)], ids=str
)
def test_large_nets_never_form_the_matrix(pattern):
    """A bool matrix of this size would take 90 GB."""
    indices = pattern.indices(300_000, 300_000, generator=seeded())
    order = indices[0] * 300_000 + indices[1]
    assert (order.diff() > 0).all()
    assert order.numel() == 3_000_000 if isinstance(pattern, FixedInDegree) else abs(order.numel() - 900) < 200


def test_large_sheets_never_form_the_matrix():
    indices = Locality(sheet=(300, 400), radius=1).indices(240_000, 120_000, gates=2)
    assert indices.shape == (2, 240_000 * 5)


class Broken:
    """A pattern that breaks one law at a time: the checker must see each."""

    def __init__(self, law):
        self.law = law

    def mask(self, rows, cols, *, gates=1, generator=None):
        if self.law == "generator" and generator is None:
            generator = seeded()
        if self.law == "global":
            torch.rand(1)
        seed = seeded(7) if self.law == "another seed" else generator
        shape = (rows, cols)
        if self.law == "shape":
            shape = (rows + 1, cols)
        if self.law == "multiple":
            mask = torch.zeros(rows, cols, dtype=torch.bool)
            mask[:: max(rows // 5, 1)] = True
            return mask if generator is None else Bernoulli(density=0.3).mask(rows, cols, generator=generator)
        mask = Bernoulli(density=0.3).mask(shape[0], cols, gates=1 if self.law == "shape" else gates, generator=seed)
        if self.law == "own draw":
            mask = mask[: rows // gates].repeat(gates, 1)
        return mask.float() if self.law == "torch.bool" else mask

    def indices(self, rows, cols, *, gates=1, generator=None):
        indices = self.mask(rows, cols, gates=gates, generator=generator).nonzero().T
        if self.law == "torch.int64":
            return indices.int()
        return indices.flip(1) if self.law == "nonzero" else indices


@pytest.mark.parametrize(
    "law",
    ["shape", "torch.bool", "torch.int64", "nonzero", "another seed", "own draw", "generator", "global", "multiple"],
)
def test_the_checker_sees_a_broken_law(law):
    state = torch.get_rng_state()
    with pytest.raises(AssertionError, match=law if law != "multiple" else "refuses|without generator"):
        check_pattern(Broken(law), random=True)
    torch.set_rng_state(state)


def test_the_checker_refuses_an_object_that_is_no_pattern():
    with pytest.raises(AssertionError, match="mask and indices"):
        check_pattern(object(), random=False)
