"""The statistics of verdicts against scipy, brute force and simulation; false positives are measured."""

import itertools
import math
import statistics as plain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from srnn_bench import tables as ours

DRAWS = 2_000
NOISE = 3 * math.sqrt(0.05 * 0.95 / DRAWS)  # three standard errors of a rate of 5 % over that many draws

numbers = st.floats(-100, 100).map(lambda value: round(value, 6))
samples = st.lists(numbers, min_size=2, max_size=8)
anything = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=0, max_size=4)


def spread(*lists):
    return all(max(values) - min(values) > 1e-3 for values in lists)


@given(samples, samples, st.floats(-10, 10))
def test_the_t_is_scipys_welch_with_the_degrees_of_freedom_of_the_smaller_sample(first, second, limit):
    result = ours.t_test([first, second], [1.0, -1.0], limit)
    if not spread(first, second):
        return
    t, df = (
        stats.ttest_ind(np.array(first) - limit, second, equal_var=False).statistic,
        min(len(first), len(second)) - 1,
    )
    assert (result.t, result.df) == (pytest.approx(t, rel=1e-6), df)
    assert result.p_below == pytest.approx(stats.t.cdf(t, df), rel=1e-6, abs=1e-300)
    assert result.p_above == pytest.approx(stats.t.sf(t, df), rel=1e-6, abs=1e-300)
    half = stats.t.isf(0.025, df) * math.hypot(stats.sem(first), stats.sem(second))
    difference = plain.fmean(first) - plain.fmean(second)
    assert result.interval == pytest.approx((difference - half, difference + half), rel=1e-6, abs=1e-6)


@given(samples, numbers)
def test_one_sample_is_scipys(values, limit):
    result = ours.t_test([values], [1.0], limit)
    if spread(values):
        scipys = stats.ttest_1samp(values, limit)
        assert ours.two_sided(result.p_below, result.p_above) == pytest.approx(scipys.pvalue, rel=1e-6, abs=1e-300)


def test_a_weighted_sum_by_the_formula_in_plain_python():
    cells = [[1.0, 2.5, 3.0], [4.0, 4.5, 7.0, 5.0], [0.5, 0.7], [9.0, 8.0, 7.5, 9.5, 8.8]]
    weights = [1.0, -2.0, -1.0, 0.5]
    result = ours.t_test(cells, weights, 0.25)
    estimate = sum(weight * plain.fmean(cell) for weight, cell in zip(weights, cells, strict=True))
    parts = [weight**2 * plain.variance(cell) / len(cell) for weight, cell in zip(weights, cells, strict=True)]
    df = min(map(len, cells)) - 1
    assert (result.estimate, result.error, result.df) == pytest.approx((estimate, math.sqrt(sum(parts)), df))
    assert result.p_above == pytest.approx(stats.t.sf((estimate - 0.25) / math.sqrt(sum(parts)), df))


def test_the_interval_of_a_weighted_sum_covers_the_truth_in_at_least_95_percent():
    random = np.random.default_rng(1)
    means, sds, weights = np.array([1.0, 3.0, -2.0, 0.0]), [1.0, 2.0, 0.5, 4.0], [1.0, -1.0, 2.0, -0.5]
    truth = float(means @ weights)
    covered = 0
    for _ in range(DRAWS):
        cells = [random.normal(mean, sd, 5) for mean, sd in zip(means, sds, strict=True)]
        low, high = ours.t_test(cells, weights).interval
        covered += low < truth < high
    assert 0.95 - NOISE < covered / DRAWS < 0.99


@given(samples, samples)
def test_hedges_by_the_textbook(first, second):
    result = ours.hedges([first, second], [1.0, -1.0])
    if not spread(first, second):
        return
    df = len(first) + len(second) - 2
    pooled = math.sqrt(((len(first) - 1) * plain.variance(first) + (len(second) - 1) * plain.variance(second)) / df)
    textbook = (plain.fmean(first) - plain.fmean(second)) / pooled * (1 - 3 / (4 * df - 1))
    assert result == pytest.approx(textbook, rel=0.015, abs=1e-9)


@given(
    st.lists(st.one_of(st.integers(0, 4).map(float), st.just(math.inf)), min_size=2, max_size=5),
    st.lists(st.one_of(st.integers(0, 4).map(float), st.just(math.inf)), min_size=2, max_size=5),
)
def test_ranks_by_brute_force_ties_and_infinities_too(first, second):
    def below(ours_, theirs):
        return sum((a < b) + (a == b) / 2 for a in ours_ for b in theirs)

    p, effect = ours.mann_whitney(first, second)
    pooled = first + second
    seen = below(first, second)
    assert effect == pytest.approx(seen / (len(first) * len(second)))
    counts = []
    for chosen in itertools.combinations(range(len(pooled)), len(first)):
        rest = [pooled[index] for index in range(len(pooled)) if index not in chosen]
        counts.append(below([pooled[index] for index in chosen], rest))
    tails = plain.fmean(count <= seen for count in counts), plain.fmean(count >= seen for count in counts)
    assert p == pytest.approx(min(1.0, 2 * min(tails)))


@pytest.mark.parametrize(("n", "method"), [(5, "exact"), (12, "exact"), (60, "asymptotic")])
def test_ranks_without_ties_are_scipys(n, method):
    random = np.random.default_rng(n)
    first, second = random.normal(size=n), random.normal(0.5, 1, n + 1)
    scipys = stats.mannwhitneyu(first, second, method=method)
    p, effect = ours.mann_whitney(list(first), list(second))
    assert (p, effect) == pytest.approx((scipys.pvalue, 1 - scipys.statistic / (n * (n + 1))))


def test_many_ties_are_approximated():
    first, second = [0.0] * 10 + [1.0] * 10, [0.0] * 4 + [1.0] * 16
    scipys = stats.mannwhitneyu(first, second, method="asymptotic")
    assert ours.mann_whitney(first, second)[0] == pytest.approx(scipys.pvalue)


def test_holm_by_the_textbook():
    # m = 4: 4 x 0.005, 3 x 0.01, 2 x 0.03, and 0.04 not below the one before it
    assert ours.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert ours.holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_bonferroni_closed_over_all_subsets(p_values):
    corrected = ours.holm(p_values)
    everyone = range(len(p_values))
    for index in everyone:
        subsets = [
            subset
            for size in range(1, len(p_values) + 1)
            for subset in itertools.combinations(everyone, size)
            if index in subset
        ]
        closed = max(min(1.0, len(subset) * min(p_values[one] for one in subset)) for subset in subsets)
        assert corrected[index] == pytest.approx(closed)


@given(*[st.integers(0, 9)] * 4)
def test_fisher_is_the_sum_over_tables_that_are_no_likelier(first, second, more, others):
    """The hypergeometric probabilities of all tables with these margins, by hand."""
    failures, ended = (first, second), (first + more, second + others)
    if 0 in ended:
        assert ours.fisher(failures, ended) == 1.0
        return
    total, lost = sum(ended), sum(failures)

    def probability(count):
        return math.comb(ended[0], count) * math.comb(ended[1], lost - count) / math.comb(total, lost)

    possible = range(max(0, lost - ended[1]), min(lost, ended[0]) + 1)
    seen = probability(first)
    expected = sum(probability(count) for count in possible if probability(count) <= seen * (1 + 1e-7))
    assert ours.fisher(failures, ended) == pytest.approx(min(1.0, expected))


def test_a_bootstrap_interval_needs_ten_values_and_is_near_the_t_interval():
    random = np.random.default_rng(3)
    first, second = random.normal(2, 1, 40), random.normal(0, 2, 30)
    low, high = ours.bootstrap([first, second], [1.0, -1.0])
    assert (low, high) == pytest.approx(ours.t_test([first, second], [1.0, -1.0]).interval, abs=0.15)
    assert ours.bootstrap([first, second], [1.0, -1.0]) == (low, high), "the same draws each time"
    assert ours.bootstrap([first[:10], second[:10]], [1.0, -1.0]) is not None
    assert ours.bootstrap([first[:10], second[:9]], [1.0, -1.0]) is None
    assert ours.bootstrap([[1.0] * 10, [2.0] * 10], [1.0, -1.0]) is None


@given(st.lists(anything, min_size=1, max_size=3))
def test_no_number_is_nan_or_infinite(cells):
    weights = [1.0, -1.0, 0.5][: len(cells)]
    result = ours.t_test(cells, weights)
    if result is not None:
        every = (result.estimate, result.t, result.df, result.p_below, result.p_above, *result.interval)
        assert all(map(math.isfinite, every))
        assert min(map(len, cells)) >= 2
    effect = ours.hedges(cells, weights)
    assert effect is None or math.isfinite(effect)


@pytest.mark.parametrize(
    "cells",
    [
        [[1.0, 1.0], [2.0, 2.0]],
        [[0.1 + 0.2, 0.3, 0.3], [0.7, 0.7, 0.7]],
        [[1.0], [2.0, 3.0]],
        [[1e300, -1e300], [0.0, 1.0]],
    ],
    ids=["no spread", "rounding is no spread", "one value", "too large"],
)
def test_there_is_no_t_test(cells):
    assert ours.t_test(cells, [1.0, -1.0]) is None


# A family of claims like those of the papers: pairs that share cells, and conjunctions
FAMILY = [[(0, 1)], [(0, 2)], [(1, 2), (1, 3)], [(2, 3)], [(0, 1), (0, 2), (0, 3)], [(0, 3)], [(3, 1)]]
APART = [[(2 * claim, 2 * claim + 1)] for claim in range(11)]  # claims without shared cells err independently


def family_p(cells, family):
    """Return the corrected p values as `judge` computes them."""
    return corrected({pair: t_sides(cells, pair) for claim in family for pair in claim}, family)


def t_sides(cells, pair):
    """Return the one-sided p values of a pair of cells, below and above."""
    test = ours.t_test([cells[index] for index in pair], [1.0, -1.0])
    return test.p_below, test.p_above


def corrected(sides, family):
    """Return the corrected p values of a family from the one-sided p values of its pairs."""
    combined = (ours.combine(*zip(*(sides[pair] for pair in claim), strict=True)) for claim in family)
    return ours.holm([ours.two_sided(*both) for both in combined])


DRAWN = {
    "equal spread": lambda random, cell, n: random.normal(0, 1, n),
    "variances 1:4": lambda random, cell, n: random.normal(0, 1 + cell % 2, n),
    "standard deviations 1:4": lambda random, cell, n: random.normal(0, 1 + 3 * (cell % 2), n),
    "skewed": lambda random, cell, n: random.lognormal(0, 1, n),
}


def scipys_sides(first, second):
    """Return the one-sided p values of all draws at once: Welch's t with the degrees of freedom of one sample."""
    t, df = stats.ttest_ind(first, second, axis=1, equal_var=False).statistic, first.shape[1] - 1
    return list(zip(stats.t.cdf(t, df).tolist(), stats.t.sf(t, df).tolist(), strict=True))


@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize("family", [FAMILY, APART], ids=["seven claims on four cells", "eleven claims apart"])
def test_false_positives_under_no_effect(family, kind, n):
    """At most 5 % false verdicts and three standard errors of the 2,000 draws; `pytest -rP` shows the rates."""
    random = np.random.default_rng(n)
    cells = 1 + max(cell for claim in family for pair in claim for cell in pair)
    draws = np.array([[DRAWN[kind](random, cell, n) for cell in range(cells)] for _ in range(DRAWS)])
    pairs = list(dict.fromkeys(pair for claim in family for pair in claim))
    p_values = {pair: scipys_sides(draws[:, pair[0]], draws[:, pair[1]]) for pair in pairs}
    for draw in range(20):
        for pair in pairs:
            assert t_sides(draws[draw], pair) == pytest.approx(p_values[pair][draw], rel=1e-6)
    single = table = 0
    for draw in range(DRAWS):
        sides = {pair: p_values[pair][draw] for pair in pairs}
        single += corrected(sides, [[(0, 1)]])[0] < 0.05
        table += min(corrected(sides, family)) < 0.05
    print(f"false positives, {kind}, n = {n}: one claim {single / DRAWS:.2%}, any of a table {table / DRAWS:.2%}")
    assert single / DRAWS <= 0.05 + NOISE
    assert table / DRAWS <= 0.05 + NOISE


@pytest.mark.parametrize("n", [3, 5])
def test_large_effects_are_found_in_a_family(n):
    random = np.random.default_rng(4)
    result = 0
    for _ in range(300):
        cells = [random.normal(mean, 1, n) for mean in (0, 30, 60, 90)]
        result += family_p(cells, FAMILY)[0] < 0.05
    assert result / 300 > 0.95
