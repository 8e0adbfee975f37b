"""Sizes for a number of weights: published values, and closed forms against root finding with scipy."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from srnn_masks import Densities, MaskError, balance, sized

DENSE = (1, 1, 1, 1, 1, 1)  # densities of hx, hh, hy, yx, yh, yy
UNIFORM = (0.2,) * 6
EQ7 = (1, 0.2, 0.2, 1, 1, 0.2)
EQ8 = (0.2, 1, 1, 0.2, 0.2, 1)
ANOMALY = (2500, 10)
HAMMER = (46, 26)


def densities(s):
    return Densities(**dict(zip(("hx", "hh", "hy", "yx", "yh", "yy"), s, strict=True)))


# --- the oracle: number of weights and hidden proportion, entry by entry of the block matrix, and root finding --------


def weights(x, h, y, s):
    """Number of weights of each block."""
    sizes = [(h, x), (h, h), (h, y), (y, x), (y, h), (y, y)]
    return [rows * cols * share for (rows, cols), share in zip(sizes, s, strict=True)]


def proportion_of(x, h, y, s):
    hx, hh, hy = weights(x, h, y, s)[:3]
    return hh / (hx + hh + hy)


def solve_hidden(x, y, budget, s):
    """Root of the number of weights in h, by bisection; None if there is none."""
    excess = lambda h: sum(weights(x, h, y, s)) - budget  # noqa: E731
    high = 1.0
    while excess(high) < 0:
        high *= 2
        if high > 1e30:
            return None
    return brentq(excess, 0, high, xtol=1e-13, rtol=1e-14, maxiter=500) if excess(0) < 0 else None


def thinned(block, share):
    return tuple(share if number == block else 1 for number in range(6))


def solve_balance(x, y, budget, aim):
    """Thin W_hx (0) or W_hh (1) until `aim(h, s)` is 0, by bisection of the density; None if it keeps its sign."""
    for block in (0, 1):

        def gap(share, block=block):
            s = thinned(block, share)
            return aim(solve_hidden(x, y, budget, s), s)

        if gap(0) * gap(1) <= 0:
            share = brentq(gap, 0, 1, xtol=1e-14, rtol=1e-14)
            s = thinned(block, share)
            return solve_hidden(x, y, budget, s), s
    return None


# --- published values -------------------------------------------------------------------------------------------------

# sizes, budget, densities, exact hidden units, decimals printed, hidden proportion in %
SIZED = [
    (ANOMALY, 1e5, DENSE, 29.38, 2, 1.2),
    (ANOMALY, 1e5, UNIFORM, 176.14, 2, 6.6),
    (ANOMALY, 1e5, EQ7, 29.778, 3, 0.24),
    (ANOMALY, 1e5, EQ8, 144.545, 3, 22.1),
    (ANOMALY, 1e5, (0.08, 1, 1, 1, 1, 1), 184.96, 2, 46.8),
    (ANOMALY, 1e5, (0.07, 1, 1, 1, 1, 1), 193, 0, 51),
    (ANOMALY, 1e5, (0.09, 1, 1, 1, 1, 1), 177, 0, 43),
    (ANOMALY, 1e5, (0.1, 1, 1, 1, 1, 1), 170, 0, 40),
    (ANOMALY, 1e5, (0.09, 1, 1, 0.09, 0.09, 0.09), 216, 0, 48),
    (ANOMALY, 1e5, (0.1, 1, 1, 0.1, 0.1, 0.1), 208, 0, 44),
    (ANOMALY, 1e6, (0.3, 1, 1, 1, 1, 1), 675, 0, 47),
    (HAMMER, 4e5, DENSE, 584, 0, 89),
    (HAMMER, 4e5, UNIFORM, 1365, 0, 95),
    (HAMMER, 4e5, EQ7, 1232, 0, 83),
    (HAMMER, 4e5, EQ8, 612, 0, 94.6),
    (HAMMER, 4e5, (1, 0.01, 0.01, 1, 1, 0.01), 3663, 0, 44),
    (HAMMER, 4e5, (1, 0.01, 0.01, 1, 0.01, 0.01), 4404, 0, 49),
    (HAMMER, 4e5, (1, 0.1, 0.1, 1, 1, 0.1), 1658, 0, 77),
    (HAMMER, 4e5, (1, 0.1, 0.1, 1, 0.1, 0.1), 1757, 0, 78),
    (HAMMER, 1e5, DENSE, 268, 0, 79),
    (HAMMER, 1e5, EQ7, 535, 0, 68),
    (HAMMER, 2e4, DENSE, 94, 0, 57),
    (HAMMER, 2e4, UNIFORM, 268, 0, 79),
    (HAMMER, 2e4, EQ7, 168, 0, 40),
    (HAMMER, 2e4, EQ8, 119, 0, 77),
    (HAMMER, 1e4, (1, 0.4, 0.2, 1, 1, 0.2), 80, 0, 38),
    (HAMMER, 1e4, (1, 0.4, 0.2, 1, 0.4, 0.2), 89, 0, 41),
    (HAMMER, 1e4, (1, 0.2, 0.4, 1, 1, 0.4), 86, 0, 23),
    (HAMMER, 1e4, (1, 0.2, 0.4, 1, 0.2, 0.4), 104, 0, 27),
]


@pytest.mark.parametrize(("sizes", "budget", "s", "hidden", "digits", "percent"), SIZED, ids=str)
def test_published_sizes(sizes, budget, s, hidden, digits, percent):
    blocks = sized(*sizes, budget, densities(s))
    assert round(blocks.hidden, digits) == hidden
    assert 100 * blocks.hidden_proportion == pytest.approx(percent, abs=0.05 if percent % 1 else 0.5)
    assert blocks.total == pytest.approx(budget)
    assert (blocks.inputs, blocks.outputs, blocks.densities) == (*sizes, densities(s))


@pytest.mark.parametrize(
    ("s", "counts"),
    [
        (EQ8, (72_272, 20_893, 1_445, 5_000, 289, 100)),
        (EQ7, (74_445, 177, 60, 25_000, 298, 20)),
    ],
    ids=["Figure 4", "Figure 5"],
)
def test_the_counts_of_figures_4_and_5_are_those_of_the_exact_size(s, counts):
    blocks = sized(*ANOMALY, 100_000, densities(s))
    assert tuple(round(count) for count in blocks.counts.values()) == counts


@pytest.mark.parametrize(
    ("s", "hidden"),
    [(DENSE, 29), (UNIFORM, 176), (EQ7, 30), (EQ8, 145), ((0.08, 1, 1, 1, 1, 1), 185)],
    ids=["dense", "uniform 20%", "eq. 7", "eq. 8", "eq. 13"],
)
def test_the_sizes_used_are_rounded(s, hidden):
    assert sized(*ANOMALY, 100_000, densities(s)).rounded().hidden == hidden


# sizes, budget, rule, hidden units, decimals, the thinned block, its density in %, hidden proportion in %
BALANCED = [
    (ANOMALY, 1e5, "proportion", 191.0, 1, "hx", 7.24, 50),
    (ANOMALY, 1e5, "equal_blocks", 188.6, 1, "hx", 7.54, 48.7),
    (HAMMER, 4e5, "proportion", 2342, 0, "hh", 3.07, 50),
    (HAMMER, 1e5, "proportion", 577, 0, "hh", 12.47, 50),
    (HAMMER, 2e4, "proportion", 107, 0, "hh", 67.52, 50),
    (HAMMER, 1e4, "proportion", 57.6, 1, "hx", 68.65, 50),
]


@pytest.mark.parametrize(("sizes", "budget", "rule", "hidden", "digits", "block", "share", "percent"), BALANCED)
def test_published_balances(sizes, budget, rule, hidden, digits, block, share, percent):
    blocks = balance(*sizes, budget, rule)
    assert round(blocks.hidden, digits) == hidden
    assert blocks.densities == Densities(**{block: getattr(blocks.densities, block)})
    assert 100 * getattr(blocks.densities, block) == pytest.approx(share, abs=0.005)
    assert 100 * blocks.hidden_proportion == pytest.approx(percent, abs=0.05 if percent % 1 else 1e-9)


# --- random sizes -----------------------------------------------------------------------------------------------------

inputs, outputs = st.integers(1, 3000), st.integers(1, 300)
share = st.just(0.0) | st.floats(1e-3, 1)
free = st.floats(-2, 7).map(lambda power: 10**power)  # weights that depend on h
proportions = st.floats(1e-3, 0.999)


@st.composite
def dense_networks(draw):
    """Inputs, outputs, and the budget of a dense network of any size, or about as large as its inputs and outputs."""
    x, y = draw(inputs), draw(outputs)
    h = draw(st.floats(-3, 4).map(lambda power: 10**power) | st.floats(0.2, 3).map(lambda ratio: ratio * (x + y)))
    return x, y, x * y + y * y + h * h + h * (x + 2 * y)


@given(x=inputs, y=outputs, s=st.tuples(*[share] * 6), free=free)
def test_sized_is_the_root(x, y, s, free):
    budget = s[3] * x * y + s[5] * y * y + free
    if not any((s[0], s[1], s[2], s[4])):
        with pytest.raises(MaskError, match="sized: expected a density above 0 of hx, hh, hy or yh"):
            sized(x, y, budget, densities(s))
        return
    blocks = sized(x, y, budget, densities(s))
    assert sum(weights(x, blocks.hidden, y, s)) == pytest.approx(budget, rel=1e-11)
    assert blocks.hidden == pytest.approx(solve_hidden(x, y, budget, s), rel=1e-6, abs=1e-9)


@given(sizes=dense_networks(), proportion=proportions)
def test_balance_reaches_the_proportion_or_names_the_inequality(sizes, proportion):
    x, y, budget = sizes
    oracle = solve_balance(x, y, budget, lambda h, s: proportion_of(x, h, y, s) - proportion)
    if oracle is None:
        with pytest.raises(MaskError, match=r"thinning W_hx needs hidden \* \(1 - proportion\) / proportion > outputs"):
            balance(x, y, budget, proportion=proportion)
        without = solve_hidden(x, y, budget, thinned(0, 0))  # no share of W_hx is enough
        assert proportion_of(x, without, y, thinned(0, 0)) < proportion
        return
    blocks = balance(x, y, budget, proportion=proportion)
    assert_balanced(blocks, x, y, budget, oracle)
    assert blocks.hidden_proportion == pytest.approx(proportion, abs=1e-9)
    dense = sized(x, y, budget, Densities()).hidden_proportion
    assert dense == pytest.approx(proportion, rel=1e-9) or (blocks.densities.hx < 1) == (dense < proportion)


@given(sizes=dense_networks())
def test_equal_blocks_have_equal_counts(sizes):
    x, y, budget = sizes
    blocks = balance(x, y, budget, rule="equal_blocks")
    oracle = solve_balance(x, y, budget, lambda h, s: weights(x, h, y, s)[0] - weights(x, h, y, s)[1])
    assert oracle is not None
    assert_balanced(blocks, x, y, budget, oracle)
    assert blocks.counts["hx"] == pytest.approx(blocks.counts["hh"], rel=1e-9)
    assert blocks.hidden_proportion < 0.5
    dense = sized(x, y, budget, Densities()).counts
    larger = dense["hx"] > dense["hh"]
    assert dense["hx"] == pytest.approx(dense["hh"], rel=1e-9) or (blocks.densities.hx < 1) == larger


def assert_balanced(blocks, x, y, budget, oracle):
    """The total is exact, one of hx and hh is thinned, and both agree with root finding."""
    hidden, s = oracle
    found = blocks.densities
    assert sum(weights(x, blocks.hidden, y, (found.hx, found.hh, 1, 1, 1, 1))) == pytest.approx(budget, rel=1e-11)
    assert found in (Densities(hx=found.hx), Densities(hh=found.hh))
    # far from balance the root is known less exactly: a total of 1e8 has 1e-8 in its last place
    assert blocks.hidden == pytest.approx(hidden, rel=1e-4)
    assert (found.hx, found.hh) == pytest.approx(s[:2], rel=1e-3, abs=1e-6)


@pytest.mark.parametrize(("rule", "hidden"), [("equal_blocks", 30), ("proportion", 37)])
def test_a_balanced_dense_network_stays_dense(rule, hidden):
    """With h = x, W_hx and W_hh are equal; with h = x + y, the dense network has proportion 1/2."""
    blocks = balance(30, 7, (hidden + 7) * (30 + hidden + 7), rule)
    assert (blocks.hidden, blocks.densities.hx, blocks.densities.hh) == pytest.approx((hidden, 1, 1), rel=1e-12)


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: balance(2500, 10, 100_000, proportion=0.99),
            r"^balance: expected proportion < 0.963485, .* inputs=2500, outputs=10 and budget=100000, got "
            r"proportion=0.99: thinning W_hx needs .* > outputs, got 2.70103 <= 10 at hidden=267.402$",
        ),
        (
            lambda: balance(2500, 10, 25_100),
            r"^balance: expected budget > 25100, the weights of W_yx and W_yy for inputs=2500 and .*, got 25100$",
        ),
        (
            lambda: sized(2500, 10, 5_000, Densities(yx=0.2)),
            r"^sized: expected budget > 5100, the weights of W_yx and W_yy for inputs=2500 and outputs=10, got 5000$",
        ),
        (lambda: sized(10, 2, math.nan, Densities()), r"expected budget > 24, .* got nan"),
        (lambda: sized(10, 2, math.inf, Densities()), r"expected budget > 24, .* got inf"),
        (lambda: sized(10, 2, 100, Densities(hx=0, hh=0, hy=0, yh=0)), r"sized: expected a density above 0 of hx, hh"),
        (lambda: sized(0, 2, 100, Densities()), r"sized: expected inputs >= 1, got inputs=0"),
        (lambda: balance(3, 0, 100), r"balance: expected outputs >= 1, got outputs=0"),
        (lambda: balance(3, 2, 100, proportion=1), r"balance: expected 0 < proportion < 1, got proportion=1"),
        (lambda: balance(3, 2, 100, rule="half"), r"expected rule='proportion' or 'equal_blocks', got rule='half'"),
        (
            lambda: balance(3, 2, 100, rule="equal_blocks", proportion=0.4),
            r"expected no proportion with rule='equal_blocks', got proportion=0.4",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(MaskError, match=message):
        call()
