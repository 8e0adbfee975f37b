"""Claims about studies: their tests against scipy and other formulas, verdicts, corrections, ledger and forecasts."""

import json
import math

import numpy as np
import pytest
from scipy import optimize, stats
from synthetic_study import COLUMN, COUNTS, fill, filled, study

from srnn_bench import Store, summarise
from srnn_bench.tables import (
    Group,
    LowerLoss,
    MoreOftenUnstable,
    RankCorrelation,
    Relatives,
    ShareUnstable,
    StudyClaim,
    holm,
    judge,
    ledger,
    sensitivity,
    study_forecast,
)

ONE, OTHER = Group(("one",)), Group(("other",))
LOW, HIGH = Group((), "x", high=0.5), Group((), "x", low=0.5)


def claim(*tests, name="a claim"):
    return StudyClaim(name, "A statement.", "Section 1", tests)


@pytest.fixture(scope="module")
def losses(tiny):
    """Losses that rise with x; a quarter of the draws above x = .5 is unstable, two of them diverged."""
    generator = np.random.default_rng(2)
    draws = study(tiny).draws
    values = np.array([0.3 + 0.4 * draw.features["x"] for draw in draws]) + generator.uniform(0, 0.2, len(draws))
    high = [index for index, draw in enumerate(draws) if draw.features["x"] >= 0.5]
    values[high[::4]] = 3.0
    values[high[:2]] = math.inf
    return values


@pytest.fixture(scope="module")
def store(tiny, losses, tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    fill(store, study(tiny), losses)
    return store


def judged(tiny, store, *claims, **fields):
    return judge(summarise(study(tiny, claims=claims, **fields), store))


def values(tiny, losses, group):
    """Return the losses of a group, unstable ones as 1, and whether each is unstable."""
    inside = [index for index, draw in enumerate(study(tiny).draws) if draw in group]
    chosen = losses[inside]
    return np.minimum(chosen, 1.0), ~(chosen < 1.0)


# --- tests ------------------------------------------------------------------------------------------------------------


def test_lower_losses_are_tested_by_mann_and_whitney(tiny, store, losses):
    (found,) = judged(tiny, store, claim(LowerLoss(LOW, HIGH)))
    (low, _), (high, unstable) = values(tiny, losses, LOW), values(tiny, losses, HIGH)
    expected = stats.mannwhitneyu(low, high, alternative="two-sided", method="asymptotic")
    pairs = np.sign(high[None] - low[:, None])
    probability = (pairs > 0).mean() + (pairs == 0).mean() / 2
    assert found.p == pytest.approx(expected.pvalue) and found.estimate == pytest.approx(probability)
    assert found.verdict == "supported" and found.measure == "P(lower loss)"
    assert found.n == {(str(LOW), COLUMN): len(low), (str(HIGH), COLUMN): len(high) - unstable.sum()}
    assert found.failures == {(str(LOW), COLUMN): 0, (str(HIGH), COLUMN): unstable.sum()}
    (reversed_,) = judged(tiny, store, claim(LowerLoss(HIGH, LOW)))
    assert reversed_.verdict == "contradicted" and reversed_.p == pytest.approx(found.p)
    assert "below 0.5, not above as claimed" in reversed_.reason


def test_the_interval_of_the_probability_is_newcombes(tiny, store):
    (found,) = judged(tiny, store, claim(LowerLoss(ONE, OTHER)))
    m, n = COUNTS["one"], COUNTS["other"]

    def distance(t):
        factor = 1 + ((m + n) / 2 - 1) * ((1 - t) / (2 - t) + t / (1 + t))
        return (found.estimate - t) ** 2 - stats.norm.ppf(0.975) ** 2 * t * (1 - t) * factor / (m * n)

    low, high = found.interval
    assert low == pytest.approx(optimize.bisect(distance, 1e-6, found.estimate), abs=1e-6)
    assert high == pytest.approx(optimize.bisect(distance, found.estimate, 1 - 1e-6), abs=1e-6)


def test_the_interval_of_the_probability_contains_it_in_95_of_100_samples(tiny):
    table = study(tiny, claims=(claim(LowerLoss(ONE, OTHER)),))
    generator, inside = np.random.default_rng(4), 0
    true = stats.norm.cdf(1 / math.sqrt(2))  # of two normal samples one sd apart
    for _ in range(200):
        sample = np.r_[generator.normal(0, 1, COUNTS["one"]), generator.normal(1, 1, COUNTS["other"])]
        (found,) = judge(filled(table, 0.5 + 0.05 * sample))
        inside += found.interval[0] <= true <= found.interval[1]
    assert 183 <= inside <= 199  # 95 %, within 3 standard errors


def test_a_probability_of_one_has_an_interval(tiny):
    table = study(tiny, claims=(claim(LowerLoss(ONE, OTHER)),))
    losses = np.r_[np.linspace(0.1, 0.2, COUNTS["one"]), np.linspace(0.3, 0.4, COUNTS["other"])]
    (found,) = judge(filled(table, losses))
    assert found.estimate == 1 and found.interval[1] == 1 and 0.8 < found.interval[0] < 0.97


@pytest.mark.parametrize("of", ["loss", "unstable"])
def test_rank_correlations_are_spearmans(tiny, store, losses, of):
    (found,) = judged(tiny, store, claim(RankCorrelation(Group(), "x", of)))
    bounded, unstable = values(tiny, losses, Group())
    x = [draw.features["x"] for draw in study(tiny).draws]
    ranks = [stats.rankdata(each) for each in (x, bounded if of == "loss" else unstable)]
    rho = np.corrcoef(*ranks)[0, 1]
    t = rho * math.sqrt((len(x) - 2) / (1 - rho**2))
    half = stats.norm.ppf(0.975) * math.sqrt((1 + rho**2 / 2) / (len(x) - 3))
    assert found.estimate == pytest.approx(rho) and found.p == pytest.approx(2 * stats.t.sf(t, len(x) - 2))
    assert found.interval == pytest.approx((math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half)))
    assert found.verdict == "supported"


@pytest.mark.parametrize(("side", "verdict"), [("above", "supported"), ("below", "contradicted")])
def test_shares_are_tested_exactly(tiny, store, losses, side, verdict):
    (found,) = judged(tiny, store, claim(ShareUnstable(HIGH, 0.05, side)))
    _, unstable = values(tiny, losses, HIGH)
    k, n = int(unstable.sum()), len(unstable)
    assert found.p == pytest.approx(2 * stats.binom.sf(k - 1, n, 0.05)) and found.verdict == verdict
    ends = stats.beta.ppf(0.025, k, n - k + 1), stats.beta.ppf(0.975, k + 1, n - k)
    assert found.estimate == k / n and found.interval == pytest.approx(ends)


def test_shares_of_two_groups_are_compared_by_fishers_test(tiny, store, losses):
    (found,) = judged(tiny, store, claim(MoreOftenUnstable(HIGH, LOW)))
    (_, high), (_, low) = values(tiny, losses, HIGH), values(tiny, losses, LOW)
    k, m, n = int(high.sum()), len(high), len(low)
    assert not low.any() and found.p == pytest.approx(2 * stats.hypergeom.sf(k - 1, m + n, k, m))
    z2, p = stats.norm.ppf(0.975) ** 2, k / m
    root = math.sqrt(z2 * (p * (1 - p) + z2 / 4 / m) / m)
    wilson = [(p + z2 / 2 / m + sign * root) / (1 + z2 / m) for sign in (-1, 1)]
    other = z2 / n / (1 + z2 / n)  # upper end of Wilson's interval of 0 of n
    ends = p - math.hypot(p - wilson[0], other), p + (wilson[1] - p)
    assert found.estimate == pytest.approx(p) and found.interval == pytest.approx(ends)


# --- verdicts ---------------------------------------------------------------------------------------------------------


def test_a_claim_needs_all_its_tests_and_shows_the_weakest(tiny, store):
    strong, weak = LowerLoss(LOW, HIGH), LowerLoss(ONE, OTHER)
    (found,) = judged(tiny, store, claim(strong, weak))
    (alone,) = judged(tiny, store, claim(weak))
    assert found.verdict == alone.verdict == "undecided" and found.deciding == weak
    assert found.p == pytest.approx(2 * alone.p), "either of two tests may be reversed"
    assert found.reason.startswith("weakest of 2 tests: P(lower loss)")
    (against,) = judged(tiny, store, claim(strong, LowerLoss(HIGH, LOW)))
    assert against.verdict == "contradicted", "one of the two is reversed"


def test_claims_are_corrected_over_their_family(tiny, store):
    own = (claim(LowerLoss(LOW, HIGH)), claim(LowerLoss(ONE, OTHER), name="second"))
    sibling = study(tiny, name="paper/sibling", claims=(claim(RankCorrelation(Group(), "x")),))
    found = judged(tiny, store, *own, relatives=lambda: Relatives(siblings=(sibling,)))
    p_values = [judged(tiny, store, each)[0].p for each in (*own, *sibling.claims)]
    assert [each.p_holm for each in found] == pytest.approx(holm(p_values)[:2])
    assert {each.family for each in found} == {3}


def test_a_missing_draw_leaves_its_claims_undecided(tiny, losses, tmp_path):
    changed = losses.copy()
    changed[[1, 2]] = math.nan  # of the preset `one`
    store = Store(tmp_path)
    fill(store, study(tiny), changed)
    first, second = judged(
        tiny, store, claim(RankCorrelation(ONE, "x")), claim(RankCorrelation(OTHER, "x"), name="second")
    )
    assert (first.verdict, first.missing, first.p, first.p_holm) == ("undecided", 2, None, None)
    assert first.reason == "2 of the draws that the claim uses have no result, of 24"
    assert second.missing == 0 and second.p_holm is not None


def test_without_results_or_at_smoke_nothing_is_judged(tiny, store, tmp_path):
    tests = claim(LowerLoss(LOW, HIGH))
    (empty,) = judged(tiny, Store(tmp_path), tests)
    assert (empty.verdict, empty.reason, empty.missing) == ("undecided", "no run yet", 40)
    (smoke,) = judged(tiny, store, tests, scale="smoke")
    assert smoke.verdict == "undecided" and "numbers mean nothing" in smoke.reason


def test_groups_that_are_too_small_are_named(tiny, store):
    (found,) = judged(tiny, store, claim(LowerLoss(Group((), "x", high=-1.0), HIGH)))
    assert found.verdict == "undecided"
    assert found.reason == "a test needs two draws per group, and (all presets, x below -1) has 0"
    (flat,) = judged(tiny, store, claim(RankCorrelation(LOW, "x", "unstable")))
    assert flat.reason.startswith("no rank correlation")


def test_the_ledger_has_the_numbers_of_studies(tiny, store):
    table = study(tiny, claims=(claim(ShareUnstable(HIGH, 0.05, "above")),))
    (row,) = ledger([summarise(table, store)])
    assert json.loads(json.dumps(row)) == row
    assert row["measure"] == "share unstable" and row["bound"] == 0.05 and row["contrast_margin"] == 0
    assert row["n"] == [{"row": "all presets, x 0.5 or more", "column": COLUMN, "n": row["n"][0]["n"]}]
    assert row["claims_in_family"] == 1 and row["verdict"] == "supported"


def test_other_readings_of_contrasts_do_not_concern_studies(tiny, store):
    (found,) = sensitivity(summarise(study(tiny, claims=(claim(LowerLoss(LOW, HIGH)),)), store))
    assert found.variants == {}


# --- forecasts --------------------------------------------------------------------------------------------------------


def test_a_share_is_found_with_the_power_that_is_forecast(tiny):
    table = study(tiny, claims=(claim(ShareUnstable(ONE, 0.2, "above"), ShareUnstable(ONE, 0.2, "below")),))
    above, below = study_forecast(table, family_size=1)
    n, level = COUNTS["one"], 0.025
    assert above.draws == (n,)
    least = min(k for k in range(n + 1) if stats.binom.sf(k - 1, n, 0.2) <= level)
    assert stats.binom.sf(least - 1, n, 0.2 + above.distance) == pytest.approx(0.8)
    most = max(k for k in range(n + 1) if stats.binom.cdf(k, n, 0.2) <= level)
    assert stats.binom.cdf(most, n, 0.2 - below.distance) == pytest.approx(0.8)
    (impossible,) = study_forecast(study(tiny, claims=(claim(ShareUnstable(ONE, 0.05, "below")),)), family_size=1)
    assert impossible.distance is None, "24 stable draws are not fewer than 5 %"


def test_a_rank_correlation_is_found_with_the_power_that_is_forecast(tiny):
    (found,) = study_forecast(study(tiny, claims=(claim(RankCorrelation(Group(), "x")),)), family_size=2)
    generator, n, level, hits = np.random.default_rng(3), 40, 0.05 / 2 / 2, 0
    pearson = 2 * math.sin(math.pi / 6 * found.distance)  # of normal variables with this rank correlation
    for _ in range(1000):
        x = generator.normal(size=n)
        y = pearson * x + math.sqrt(1 - pearson**2) * generator.normal(size=n)
        hits += stats.spearmanr(x, y, alternative="greater").pvalue <= level
    assert 0.74 <= hits / 1000 <= 0.88


def test_a_lower_loss_is_found_with_the_power_that_is_forecast(tiny):
    (found,) = study_forecast(study(tiny, claims=(claim(LowerLoss(ONE, OTHER)),)), family_size=1)
    assert found.draws == (COUNTS["one"], COUNTS["other"])
    shift = math.sqrt(2) * stats.norm.ppf(0.5 + found.distance)
    generator, hits = np.random.default_rng(5), 0
    for _ in range(1000):
        ours, theirs = generator.normal(0, 1, COUNTS["one"]), generator.normal(shift, 1, COUNTS["other"])
        hits += stats.mannwhitneyu(ours, theirs, alternative="less").pvalue <= 0.025
    assert 0.74 <= hits / 1000 <= 0.88
