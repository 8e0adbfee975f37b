"""Verdicts on claims: from results to verdict, against scipy; missing, diverged and censored runs; laws."""

import math
from dataclasses import astuple, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from srnn_bench import Cell, Conditions, Experiment, Result, Stage, Summary, Table, Training
from srnn_bench.tables import Claim, Contrast, FilledCell, Plan, StepsTo, beats, beyond, judge, matches, t_test, within
from srnn_bench.training import describe
from srnn_models import ElmanRNN, SequenceModel
from srnn_tasks import Adding

STAGE = Stage(name="only", training=Training(epochs=1, batches=1, batch_size=2, learning_rate=0.1))
ENVIRONMENT = describe("adding", Conditions("cpu"))
OLD = ENVIRONMENT.model_copy(update={"packages": ENVIRONMENT.packages | {"srnn-masks": "0.0.1"}})
EXPERIMENTS = {
    name: Experiment(
        task=Adding(steps=5 + index, held_out=50),
        model=SequenceModel(recurrence=ElmanRNN(hidden=6)),
        stages=(STAGE, STAGE.model_copy(update={"name": "then", "start": "continue"})),
    )
    for index, name in enumerate("ABCDE")
}
A, B, C, D = [("row", name) for name in "ABCD"]
NO_PLAN = Plan()
A_BEATS_B = Claim("A beats B", "A is better than B.", "nowhere", (beats(A, over=B),))


def t_p(first, second, alternative="two-sided"):
    """Return the p value of Welch's t with the degrees of freedom of the smaller sample."""
    t = stats.ttest_ind(first, second, equal_var=False).statistic
    df = min(len(first), len(second)) - 1
    tails = {"less": stats.t.cdf(t, df), "greater": stats.t.sf(t, df), "two-sided": 2 * stats.t.sf(abs(t), df)}
    return tails[alternative]


def table_of(*claims, better="lower", scale="paper", seeds=3, plan=NO_PLAN, name="some/table", family=""):
    return Table(
        name=name,
        scale=scale,
        title="Some table",
        source="nowhere",
        metric="Error",
        unit="cm",
        better=better,
        seeds=tuple(range(seeds)),
        cells=tuple(Cell("row", name, experiment, "only", "mse") for name, experiment in EXPERIMENTS.items()),
        claims=claims,
        plan=plan,
        family=family,
    )


def result_of(name, seed, value, environment=ENVIRONMENT):
    """Return a run that ended with this value, or with this status; None for a run without result."""
    if value is None:
        return None
    status = value if isinstance(value, str) else "done"
    fields = {"densities": {}, "history": (), "steps": 1, "step_ms": 1.0, "peak_memory_mb": None}
    stages = [] if isinstance(value, str) else [{"name": "only", "metrics": {"mse": value}, **fields}]
    return Result.model_validate(
        {
            "key": f"{name}{seed}",
            "experiment": EXPERIMENTS[name],
            "seed": seed,
            "status": status,
            "stages": stages,
            "environment": environment,
            "seconds": 1.0,
        }
    )


def summary_of(table, /, environment=ENVIRONMENT, **values):
    """Return the summary of a table with these values by column, one per seed."""
    cells = {}
    for cell in table.cells:
        of_column = values.get(cell.column, [None] * len(table.seeds))
        results = {seed: result_of(cell.column, seed, value, environment) for seed, value in enumerate(of_column)}
        cells[cell.row, cell.column] = FilledCell(cell, results)
    return Summary(table, cells)


def verdict_of(claim=A_BEATS_B, /, *, better="lower", scale="paper", plan=NO_PLAN, environment=ENVIRONMENT, **values):
    """Judge one claim over as many seeds as the longest column of values has."""
    seeds = max([2, *map(len, values.values())])
    table = table_of(claim, better=better, scale=scale, seeds=seeds, plan=plan)
    (judged,) = judge(summary_of(table, environment, **values))
    return judged


LOW, HIGH = [1.0, 1.2, 0.9], [5.0, 5.5, 4.8]
MANY = [1.0, 1.1, 0.9, 1.2, 1.3, 0.8, 1.05, 1.15]


@pytest.mark.parametrize(
    ("better", "values", "verdict"),
    [
        ("lower", {"A": LOW, "B": HIGH}, "supported"),
        ("lower", {"A": HIGH, "B": LOW}, "contradicted"),
        ("higher", {"A": LOW, "B": HIGH}, "contradicted"),
        ("higher", {"A": HIGH, "B": LOW}, "supported"),
        ("lower", {"A": LOW, "B": [1.1, 1.05, 1.3]}, "undecided"),
    ],
)
def test_two_cells_have_the_t_of_scipys_welch(better, values, verdict):
    judged = verdict_of(better=better, **values)
    error = math.sqrt(sum(stats.sem(values[name]) ** 2 for name in "AB"))
    half = stats.t.isf(0.025, 2) * error
    ranks = stats.mannwhitneyu(values["A"], values["B"], method="exact").pvalue
    assert judged.verdict == verdict
    assert judged.p == judged.p_holm == pytest.approx(t_p(values["A"], values["B"]))
    assert judged.interval == pytest.approx((judged.estimate - half, judged.estimate + half))
    assert judged.estimate == pytest.approx(sum(values["A"]) / 3 - sum(values["B"]) / 3)
    assert judged.rank_p == pytest.approx(ranks)
    assert (judged.n, judged.failures, judged.missing) == ({A: 3, B: 3}, {A: 0, B: 0}, 0)
    assert judged.bootstrap is None
    assert (judged.detectable is not None) == (verdict == "undecided")
    if verdict != "undecided":
        assert (judged.effect > 0) == (judged.rank_effect > 0.5) == (verdict == "supported")
        assert judged.rank_effect in (0.0, 1.0)
    assert f"p = {judged.p_holm:.2g}" in judged.reason


FAMILY = (
    A_BEATS_B,
    Claim("A best", "s", "s", (beats(A, over=B), beats(A, over=C), beats(A, over=D))),
    Claim("no run", "s", "s", (beats(A, over=("row", "E")),)),
    Claim("less than twice", "s", "s", (within(C, 2.0, of=B),)),
    Claim("more than half", "s", "s", (beyond(D, 0.5, of=C),)),
    Claim("below", "s", "s", (Contrast(((*A, 1.0),), bound=3.0),)),
    Claim("drops less", "s", "s", (Contrast(((*B, 1.0), (*A, -1.0), (*D, -1.0), (*C, 1.0))),)),
)
VALUES = {
    "A": [1.0, 1.2, 0.9, 1.3],
    "B": [3.0, 2.9, 4.4, 3.1],
    "C": [9.0, 3.0, 5.5, 6.1],
    "D": [7.0, 8.8, 6.1, 7.7],
}


def test_a_table_of_claims_is_corrected_by_holm_over_all_of_them():
    judged = judge(summary_of(table_of(*FAMILY, seeds=4), **VALUES))

    def p(first, second, alternative):
        return t_p(first, second, alternative)

    a, b, c, d = VALUES.values()
    one_sided = [
        [(p(a, b, "less"), p(a, b, "greater"))],
        [(p(a, other, "less"), p(a, other, "greater")) for other in (b, c, d)],
        None,
        [(p(c, [2 * x for x in b], "less"), p(c, [2 * x for x in b], "greater"))],
        [(p([x / 2 for x in c], d, "less"), p([x / 2 for x in c], d, "greater"))],
        [tuple(stats.ttest_1samp(a, 3.0, alternative=side).pvalue for side in ("less", "greater"))],
    ]
    raw = [
        1.0 if sides is None else min(1, 2 * max(x for x, _ in sides), 2 * len(sides) * min(y for _, y in sides))
        for sides in one_sided
    ]
    last = t_test([b, a, d, c], [1.0, -1.0, -1.0, 1.0])
    raw.append(2 * min(last.p_below, last.p_above))
    assert [1.0 if one.p is None else one.p for one in judged] == pytest.approx(raw)
    order = sorted(range(7), key=lambda index: raw[index])
    holm = [0.0] * 7
    for place, index in enumerate(order):
        holm[index] = max(min(1.0, (7 - step) * raw[order[step]]) for step in range(place + 1))
    assert [1.0 if one.p_holm is None else one.p_holm for one in judged] == pytest.approx(holm)
    assert [one.verdict for one in judged] == [
        "undecided" if holm[index] >= 0.05 else "supported" for index in range(7)
    ]
    assert {one.verdict for one in judged} == {"undecided", "supported"}
    assert judged[2].p is judged[2].p_holm is None and judged[2].missing == 4
    assert any(one.p < 0.05 <= one.p_holm for one in judged if one.p), (
        "one that is not significant after the correction"
    )


def test_of_several_contrasts_the_weakest_decides():
    claim = Claim("best", "s", "s", (beats(A, over=B), beats(A, over=C)))
    judged = verdict_of(claim, A=LOW, B=HIGH, C=[1.0, 1.1, 1.2])
    assert judged.verdict == "undecided"
    assert judged.deciding == claim.contrasts[1]
    assert "weakest of 2 comparisons: row: A − C" in judged.reason
    worse = verdict_of(claim, A=HIGH, B=[99.0, 98.0, 99.5], C=LOW)
    assert (worse.verdict, worse.deciding) == ("contradicted", claim.contrasts[1])
    assert worse.p == pytest.approx(2 * t_p(HIGH, LOW)), "Bonferroni over two"


def test_the_worst_of_two_clearly_reversed_contrasts_decides():
    far = {"A": [50 + 0.1 * seed for seed in range(10)], "B": [9 + 0.2 * seed for seed in range(10)]}
    claim = Claim("best", "s", "s", (beats(A, over=B), beats(A, over=C)))
    judged = verdict_of(claim, **far, C=[3 + 0.1 * seed for seed in range(10)])
    assert (judged.verdict, judged.deciding) == ("contradicted", claim.contrasts[1]), "both have p = 1 for the claim"


@pytest.mark.parametrize("better", ["lower", "higher"])
@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([5.0, 5.3, 4.9, 5.1], "supported"),
        ([9.0, 9.3, 8.9, 9.1], "contradicted"),
        ([1.0, 1.3, 0.9, 1.1], "contradicted"),
        ([9.0, 2.3, 4.9, 5.1], "undecided"),
    ],
)
def test_a_match_is_two_one_sided_tests(better, values, verdict):
    near = [5.1, 5.0, 5.2, 4.8]
    claim = Claim("same", "s", "s", matches(A, B, margin=1.0))
    judged = verdict_of(claim, better=better, A=values, B=near)
    below = t_p([x - 1 for x in values], near, "less")
    above = t_p([x + 1 for x in values], near, "greater")
    assert judged.verdict == verdict
    if verdict == "supported":
        assert judged.p == pytest.approx(2 * max(below, above))
    gap = 1.0 if judged.deciding == claim.contrasts[0] else -1.0
    moved = [x + gap * (1 if better == "lower" else -1) for x in near]
    lower = (better == "lower") == (judged.deciding == claim.contrasts[0])
    wins = [0.5 if abs(a - b) < 1e-9 else float((a < b) == lower) for a in values for b in moved]
    assert judged.rank_effect == pytest.approx(sum(wins) / len(wins))


def test_seeds_beyond_those_of_the_table_are_not_judged():
    (judged,) = judge(summary_of(table_of(A_BEATS_B, seeds=3), A=[*LOW, 999.0], B=HIGH))
    assert judged.n == {A: 3, B: 3}
    assert judged.p == pytest.approx(t_p(LOW, HIGH))


def test_scale_smoke_has_no_verdict():
    judged = verdict_of(scale="smoke", A=LOW, B=HIGH)
    assert (judged.verdict, judged.reason) == (
        "undecided",
        "runs at scale smoke only test the code; their numbers mean nothing",
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "no run yet"),
        ({"A": LOW, "B": [*HIGH[:2], None]}, "1 of 6 runs are missing: seed 2 of B, row"),
        ({"A": LOW, "B": [*HIGH[:2], "failed"]}, "1 of 6 runs are missing: seed 2 of B, row (2 failed with an error)"),
        ({"A": [*LOW, 1.0], "B": [*HIGH, "failed"]}, "1 of 8 runs are missing: seed 3 of B, row (3 failed"),
        ({"A": LOW}, "3 of 6 runs are missing: seeds 0, 1, 2 of B, row"),
        ({"A": [*LOW[:2], None], "B": HIGH[:2]}, "2 of 6 runs are missing: seed 2 of A, row; seed 2 of B, row"),
        (
            {"A": LOW, "B": [5.0, "diverged", "diverged"]},
            "two runs per cell that learned, and B, row has 1 (of 3, 2 failed to learn)",
        ),
        ({"A": LOW, "B": ["diverged"] * 3}, "B, row has 0 (of 3, 3 failed to learn)"),
        ({"A": [1.0] * 3, "B": [2.0] * 3}, "no spread"),
        ({"A": [1.0] * 3, "B": [1.0] * 3}, "no spread"),
    ],
)
def test_missing_values_give_no_verdict(values, message):
    judged = verdict_of(**values)
    assert judged.verdict == "undecided" and judged.p is judged.p_holm is None
    assert message in judged.reason


def test_one_seed_gives_no_verdict():
    (judged,) = judge(summary_of(table_of(A_BEATS_B, seeds=1), A=[1.0], B=[9.0]))
    assert judged.verdict == "undecided" and "A, row has 1 (of 1)" in judged.reason


GONE = "diverged"
FAR = [9 + value for value in MANY]


@pytest.mark.parametrize(
    ("first", "second", "verdict", "message"),
    [
        ([1.0, 1.1, 0.9, 1.2], [5.0, 5.1, GONE, 5.2], "supported", "as claimed (Holm p = 0.00046); failed to learn"),
        ([1.0, 1.1, 0.9, GONE], [5.0, 5.1, 5.3, 5.2], "undecided", "out favours A, row, which fails more often"),
        (
            [1.0, 1.1, GONE],
            [5.0, 5.1, GONE],
            "undecided",
            "so few runs could not show by Fisher's test",
        ),
        (
            [1.0, 1.1, 1.2, GONE],
            [5.0, 5.1, 5.2, GONE],
            "supported",
            "A, row 1 of 4, B, row 1 of 4 (Fisher p: row: A − B",
        ),
        ([*MANY[:7], GONE], [*FAR[:7], GONE], "supported", "A, row 1 of 8, B, row 1 of 8 (Fisher p: row: A − B = 1)"),
        ([*MANY[:7], GONE], [*FAR[:2], *[GONE] * 6], "supported", "A, row 1 of 8, B, row 6 of 8 (Fisher p: row: A − B"),
        ([*MANY[:6], GONE, GONE], FAR, "undecided", "A, row 2 of 8, B, row 0 of 8; leaving"),
        ([5.0, 5.1, 5.2, GONE], [1.0, 1.1, 1.2, 1.0], "contradicted", ", not below as claimed"),
        ([5.0, 5.1, 5.2, 5.0], [1.0, 1.1, GONE, GONE], "undecided", "leaving these runs out favours B, row"),
    ],
)
@pytest.mark.parametrize("better", ["lower", "higher"])
@pytest.mark.parametrize("how", ["diverged", "beyond the threshold"])
def test_claims_are_judged_among_the_runs_that_learned(how, better, first, second, verdict, message):
    sign = 1 if better == "lower" else -1
    threshold = 60.0 * sign
    gone = GONE if how == "diverged" else threshold

    def turned(values):
        return [gone if value == GONE else sign * value for value in values]

    plan = Plan(failure_threshold=threshold)
    judged = verdict_of(better=better, plan=plan, A=turned(first), B=turned(second))
    assert judged.verdict == verdict
    assert (message if better == "lower" else message.replace("below", "above")) in judged.reason
    lost = [values.count(GONE) for values in (first, second)]
    assert judged.failures == dict(zip((A, B), lost, strict=True))
    learned = [[sign * value for value in values if value != GONE] for values in (first, second)]
    assert judged.n == {A: len(learned[0]), B: len(learned[1])}
    assert judged.p == pytest.approx(t_p(*learned))
    fishers = stats.fisher_exact([[lost[0], len(learned[0])], [lost[1], len(learned[1])]]).pvalue
    assert judged.fisher == {A_BEATS_B.contrasts[0]: pytest.approx(fishers)}
    # ranks are over all runs
    ranked = [[value if value != GONE else 60.0 for value in values] for values in (first, second)]
    pairs = [0.5 if a == b else float(a < b) for a in ranked[0] for b in ranked[1]]
    assert judged.rank_effect == pytest.approx(sum(pairs) / len(pairs))


def test_the_sentence_says_that_only_runs_that_learned_are_compared():
    assert (
        "among the runs that learned, row: A − B is"
        in verdict_of(A=LOW, B=HIGH, plan=Plan(failure_threshold=60.0)).reason
    )
    assert "among" not in verdict_of(A=LOW, B=HIGH).reason


def test_a_failure_in_a_favoured_cell_of_another_number_of_cells_gives_no_verdict():
    claim = Claim("below", "s", "s", (Contrast(((*A, 1.0),), bound=3.0),))
    assert verdict_of(claim, A=[1.0, 1.1, 1.2, 1.0]).verdict == "supported"
    judged = verdict_of(claim, A=[1.0, 1.1, 1.2, GONE])
    assert (judged.verdict, judged.fisher) == ("undecided", {})
    assert judged.reason == "failed to learn: A, row 1 of 4; leaving these runs out favours A, row"
    above = Claim("above", "s", "s", (Contrast(((*A, -1.0),), bound=-0.5),))
    assert verdict_of(above, A=[1.0, 1.1, 1.2, GONE]).verdict == "supported", "leaving it out is against the claim"
    drop = Claim("drop", "s", "s", (Contrast(((*B, 1.0), (*A, -1.0), (*D, -1.0), (*C, 1.0))),))
    values = {"A": [9.0, 9.1, 9.2], "B": [1.0, 1.1, 1.3], "C": [1.0, 1.2, 1.1], "D": [9.0, 9.3, 9.1]}
    assert verdict_of(drop, **values).verdict == "supported"
    assert verdict_of(drop, **{**values, "A": [9.0, 9.1, GONE]}).verdict == "supported"
    assert verdict_of(drop, **{**values, "C": [1.0, 1.2, GONE]}).verdict == "undecided"


def test_a_failure_in_any_contrast_of_a_supported_claim_counts():
    claim = Claim("both", "s", "s", (beats(A, over=B), beats(C, over=D)))
    cells = {"A": [1.0, 3.0, 2.0, 0.5], "B": [7.0, 9.0, 8.0, 6.5], "D": [50.0, 50.1, 50.2, 50.0]}
    sure = verdict_of(claim, **cells, C=[1.0, 1.1, 1.2, 1.0])
    assert (sure.verdict, sure.deciding) == ("supported", claim.contrasts[0])
    judged = verdict_of(claim, **cells, C=[1.0, 1.1, GONE, GONE])
    assert (judged.verdict, judged.deciding) == ("undecided", claim.contrasts[0])
    assert judged.p_holm < 0.05 and "C, row 2 of 4, D, row 0 of 4" in judged.reason


# Equivalence within the margin of the plan

CLOSE = Plan(margin=1.0)


@pytest.mark.parametrize("better", ["lower", "higher"])
@pytest.mark.parametrize(
    ("first", "verdict"),
    [
        ([5.0, 5.3, 4.9, 5.1], "equivalent"),
        ([9.0, 2.3, 4.9, 5.1], "undecided"),
        ([8.0, 8.3, 7.9, 8.1], "different"),
    ],
)
def test_two_one_sided_tests_find_equal_means(better, first, verdict):
    second = [5.1, 5.0, 5.2, 4.8]
    judged = verdict_of(better=better, plan=CLOSE, A=first, B=second)
    below = t_p([x - 1 for x in first], second, "less")
    above = t_p([x + 1 for x in first], second, "greater")
    assert judged.p_equivalent == judged.p_equivalent_holm == pytest.approx(max(below, above))
    worse = "contradicted" if better == "lower" else "supported"
    assert judged.verdict == (worse if verdict == "different" else verdict)
    assert ("within the margin of 1 cm" in judged.reason) == (verdict == "equivalent")
    assert judged.margin == 1.0
    assert verdict_of(better=better, A=first, B=second).p_equivalent is None, "without a margin"


def test_a_difference_within_the_margin_is_a_difference():
    close = [5.4, 5.41, 5.39, 5.4]
    judged = verdict_of(plan=CLOSE, A=[5.0, 5.01, 4.99, 5.0], B=close)
    assert judged.verdict == "supported" and judged.reason.endswith("; the difference is within the margin of 1 cm")
    assert judged.p_holm < 0.05 and judged.p_equivalent_holm < 0.05


def test_all_pairs_must_be_within_the_margin():
    claim = Claim("best", "s", "s", (beats(A, over=B), beats(A, over=C)))
    same = {"A": [5.0, 5.1, 5.2], "B": [5.1, 5.05, 5.15], "C": [5.2, 5.05, 5.1]}
    judged = verdict_of(claim, plan=CLOSE, **same)
    assert judged.verdict == "equivalent"
    assert verdict_of(claim, plan=CLOSE, **{**same, "C": [8.0, 2.0, 5.0]}).verdict == "undecided"


@pytest.mark.parametrize(
    "claim",
    [
        Claim("factor", "s", "s", (within(A, 1.5, of=B),)),
        Claim("bound", "s", "s", (Contrast(((*A, 1.0),), bound=3.0),)),
        Claim("match", "s", "s", matches(A, B, margin=1.0)),
        Claim("no worse", "s", "s", (Contrast(((*A, 1.0), (*B, -1.0)), margin=0.5),)),
        Claim("mixed", "s", "s", (beats(A, over=B), within(A, 1.5, of=B))),
    ],
    ids=lambda claim: claim.name,
)
def test_claims_that_say_more_than_that_a_mean_is_better_are_never_equivalent(claim):
    judged = verdict_of(claim, plan=CLOSE, A=[5.0, 5.3, 4.9, 5.1], B=[5.1, 5.0, 5.2, 4.8])
    assert judged.p_equivalent is None and judged.verdict != "equivalent"


def test_means_are_equivalent_only_if_both_cells_fail_equally_often():
    first, second = [5.0, 5.3, 4.9, 5.1], [5.1, 5.0, 5.2, 4.8]
    for lost, verdict in (((0, 1), "undecided"), ((1, 0), "undecided"), ((1, 1), "equivalent")):
        columns = [[*values, GONE if gone else 5.0] for values, gone in zip((first, second), lost, strict=True)]
        judged = verdict_of(plan=CLOSE, A=columns[0], B=columns[1])
        assert judged.verdict == verdict and judged.p_equivalent_holm < 0.05
        assert ", within the margin of 1 cm (Holm p = " in judged.reason
        assert (", but failed to learn: " in judged.reason) == (verdict == "undecided")
    assert "; failed to learn: A, row 1 of 5, B, row 1 of 5" in judged.reason


# Families, plans, pairs, logarithms


def test_differences_and_equivalences_are_two_families_over_the_claims_of_all_siblings():
    claims = (
        A_BEATS_B,
        Claim("A beats C", "s", "s", (beats(A, over=C),)),
        Claim("w", "s", "s", (within(A, 2.0, of=B),)),
    )
    values = {"A": [5.0, 5.3, 4.9, 5.1], "B": [5.1, 5.0, 5.2, 4.8], "C": [5.8, 6.4, 6.2, 5.9]}
    table = table_of(*claims, seeds=4, plan=CLOSE, family="some figure")
    twin = table_of(A_BEATS_B, seeds=4, name="some/twin", family="some figure")
    alone = judge(summary_of(table, **values))
    summary = replace(summary_of(table, **values), siblings=(summary_of(twin),))
    judged = judge(summary)
    assert [each.family for each in judged] == [4, 4, 4] and [each.family for each in alone] == [3, 3, 3]

    def corrected(p_values, count):
        rest = [1.0] * (count - len(p_values))
        order = sorted([*p_values, *rest])
        result = []
        for p in p_values:
            rank = order.index(p)
            result.append(min(1.0, max((count - step) * order[step] for step in range(rank + 1))))
        return result

    for family, found in ((3, alone), (4, judged)):
        assert [each.p_holm for each in found] == pytest.approx(corrected([each.p for each in found], family))
        equal = [each.p_equivalent for each in found if each.p_equivalent is not None]
        assert len(equal) == 2, "a claim with a factor has no equivalence"
        holm = [each.p_equivalent_holm for each in found if each.p_equivalent is not None]
        assert holm == pytest.approx(corrected(equal, family))


def test_verdicts_without_planned_seeds_are_exploratory():
    judged = verdict_of(A=LOW, B=HIGH)
    assert judged.exploratory and judged.label == "supported (exploratory)"
    assert verdict_of(A=LOW, B=[1.1, 1.05, 1.3]).label == "undecided"
    planned = verdict_of(A=LOW, B=HIGH, plan=Plan(seeds=(0, 1, 2)))
    assert not planned.exploratory and planned.label == planned.verdict == "supported"


def test_a_plan_may_pair_by_seed():
    first, second = [1.0, 5.0, 9.0, 2.0], [1.5, 5.3, 9.6, 2.4]
    judged = verdict_of(plan=Plan(paired=True, margin=2.0), A=first, B=second)
    assert judged.verdict == "supported"
    assert judged.p == pytest.approx(stats.ttest_rel(first, second).pvalue)
    below = stats.ttest_rel([x - 2 for x in first], second, alternative="less").pvalue
    above = stats.ttest_rel([x + 2 for x in first], second, alternative="greater").pvalue
    assert judged.p_equivalent == pytest.approx(max(below, above))
    assert verdict_of(A=first, B=second).verdict == "undecided"
    lost = verdict_of(plan=Plan(paired=True), A=[*first, 3.0], B=[*second, GONE])
    assert lost.p == lost.p_holm == pytest.approx(stats.ttest_rel(first, second).pvalue)
    assert lost.verdict == "undecided" and lost.p < 0.05
    assert lost.reason.endswith("compared within each seed, which leaves out values of others")
    both = verdict_of(plan=Plan(paired=True), A=[*first, GONE], B=[*second, GONE])
    assert both.verdict == "supported", "no value is left out"


def test_no_distance_is_printed_that_failures_make_impossible():
    values = {"A": [1.0, 1.1, 0.9, 1.3], "B": [1.2, 1.0, 1.1, 1.05]}
    assert verdict_of(**values).detectable is not None
    assert verdict_of(**{**values, "B": [*values["B"][:3], GONE]}).detectable is not None
    judged = verdict_of(**{**values, "A": [*values["A"][:3], GONE]})
    assert (judged.verdict, judged.detectable) == ("undecided", None) and "would be detected" not in judged.reason


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_a_plan_may_compare_logarithms(better):
    first, second = [1.0, 1.5, 0.7, 1.1], [9.0, 12.0, 30.0, 14.0]
    claims = (
        A_BEATS_B,
        Claim("within", "s", "s", (within(A, 2.0, of=B),)),
        Claim("beyond", "s", "s", (beyond(A, 2.0, of=B),)),
        Claim("bound", "s", "s", (Contrast(((*A, 1.0),), bound=3.0),)),
        Claim("less", "s", "s", (Contrast(((*A, -1.0),), bound=-3.0),)),
        Claim(
            "four",
            "s",
            "s",
            (
                Contrast(
                    ((*A, 1.0), (*B, -1.0), (*C, 1.0)),
                ),
            ),
        ),
        Claim("match", "s", "s", matches(A, B, margin=1.0)),
    )
    plan = Plan(log=True, margin=1.2)
    judged = judge(summary_of(table_of(*claims, better=better, seeds=4, plan=plan), A=first, B=second, C=first))
    logs, others = [math.log(x) for x in first], [math.log(x) for x in second]
    p_values = [
        t_p(logs, others),
        t_p(logs, [x + math.log(2) for x in others]),
        t_p(logs, [x + math.log(2) for x in others]),
        *[stats.ttest_1samp(logs, math.log(3.0)).pvalue] * 2,
    ]
    assert [each.p for each in judged[:5]] == pytest.approx(p_values)
    # beats and within hold where A is better than B; beyond is their opposite; the last two are opposite bounds
    holds = {"lower": (True, True, False, True, False), "higher": (False, False, True, False, True)}[better]
    for each, held in zip(judged[:5], holds, strict=True):
        if each.p_holm < 0.05:
            assert each.verdict == ("supported" if held else "contradicted")
    assert judged[0].p_holm < 0.05 and "the ratio of geometric means in row: A − B is" in judged[0].reason
    for each in judged[5:]:
        assert each.verdict == "undecided" and "has no form in logarithms" in each.reason
    zero = verdict_of(plan=plan, better=better, A=[0.0, 1.0, 2.0], B=second[:3])
    assert zero.verdict == "undecided" and "a value is not above 0" in zero.reason


def test_a_factor_counts_in_the_ranks_too():
    judged = verdict_of(Claim("f", "s", "s", (within(A, 2.0, of=B),)), A=[1.0, 2.0, 3.0], B=[1.1, 1.2, 1.3])
    scipys = stats.mannwhitneyu([1.0, 2.0, 3.0], [2.2, 2.4, 2.6], method="exact")
    assert (judged.rank_p, judged.rank_effect) == pytest.approx((scipys.pvalue, 1 - scipys.statistic / 9))


# Steps to a threshold that some runs never reach

GOAL = StepsTo("accuracy", 1.0)
EVALUATED = STAGE.model_copy(update={"training": STAGE.training.model_copy(update={"evaluate_every": 1})})


def steps_of(*claims, **values):
    """Judge claims on steps to a goal: a value is the steps of a run, `(S,)` a run that did not reach it in S steps."""
    plain = table_of(*claims, seeds=max(map(len, values.values())))
    experiments = {name: one.model_copy(update={"stages": (EVALUATED,)}) for name, one in EXPERIMENTS.items()}
    table = replace(plain, cells=tuple(Cell("row", name, one, "only", GOAL) for name, one in experiments.items()))
    cells = {}
    for cell in table.cells:
        results = {}
        for seed, value in enumerate(values.get(cell.column, ())):
            if value == "diverged":
                results[seed] = result_of(cell.column, seed, value)
                continue
            length = value[0] if isinstance(value, tuple) else 100
            heights = [float(not isinstance(value, tuple) and step >= value) for step in range(1, length + 1)]
            means = {"loss": 1.0, "penalty": 0.0, "density": 1.0}
            (stage,) = result_of(cell.column, seed, 1.0).model_dump()["stages"]
            stage |= {"steps": length, "history": [means | {"metrics": {"accuracy": height}} for height in heights]}
            result = result_of(cell.column, seed, 1.0)
            results[seed] = Result.model_validate(result.model_dump() | {"stages": [stage]})
        cells[cell.row, cell.column] = FilledCell(cell, results)
    return judge(Summary(table, cells))


NEVER = (100,)
SOON = [11, 12, 13, 14, 15, 16, 17, 18, 19]
LATE = [51, 52, 53, 54, 55, 56, 57, 58, 59]


@pytest.mark.parametrize(
    ("first", "second", "verdict", "message"),
    [
        (
            SOON,
            [*LATE[:7], NEVER, NEVER],
            "supported",
            "; 2 runs did not reach the threshold and count with all their steps",
        ),
        (SOON[:5], [90, *[NEVER] * 4], "supported", "; 4 runs did not reach the threshold"),
        ([*SOON[:8], NEVER], LATE, "supported", "1 run did not reach the threshold and counts with all its steps"),
        ([*SOON[:8], (60,)], LATE, "supported", "; 1 run did not reach the threshold"),
        (
            [40, 40, 41, 41, (60,)],
            [59, 59, 60, 60, 60],
            "undecided",
            "1 run did not reach the threshold; ranked as the worst values, they leave the rank test",
        ),
        (
            [*SOON[:4], (40,), (40,)],
            LATE[:6],
            "undecided",
            "2 runs did not reach the threshold, and there is no rank test of row",
        ),
        ([*LATE[:8], NEVER], SOON, "contradicted", ", not below as claimed"),
        (
            LATE[:5],
            [11, 12, (20,), (20,), (20,)],
            "undecided",
            "3 runs did not reach the threshold, and there is no rank test",
        ),
        (SOON, [*LATE[:7], NEVER, "diverged"], "supported", "B, row 1 of 9 (Fisher p: row: A − B = 1); 1 run did not"),
        ([11, 12, 11, (60,)], [55, 56, 57, 58], "undecided", "power; 1 run did not reach the threshold and counts"),
        (
            [40, 40, 41, 41, (60,), "diverged"],
            [59, 59, 60, 60, 60, 60],
            "undecided",
            "failed to learn: A, row 1 of 6, B, row 0 of 6; leaving these runs out favours A, row",
        ),
    ],
)
def test_a_censored_run_counts_with_its_steps_and_is_ranked_worst(first, second, verdict, message):
    (judged,) = steps_of(A_BEATS_B, A=first, B=second)
    assert judged.verdict == verdict
    assert message in judged.reason
    counted = [[v[0] if isinstance(v, tuple) else v for v in values if v != "diverged"] for values in (first, second)]
    if judged.p is not None:
        assert judged.p == pytest.approx(t_p(*counted))
        assert judged.estimate == pytest.approx(sum(counted[0]) / len(counted[0]) - sum(counted[1]) / len(counted[1]))
    lengths = [[v[0] for v in values if isinstance(v, tuple)] for values in (first, second)]
    exact = [[v for v in values if isinstance(v, int)] for values in (first, second)]
    known = all(end >= other for place in (0, 1) for end in lengths[place] for other in exact[1 - place])
    assert (judged.rank_effect is not None) == known
    if known:
        ranked = [[v if isinstance(v, int) else math.inf for v in values] for values in (first, second)]
        wins = [0.5 if a == b else float(a < b) for a in ranked[0] for b in ranked[1]]
        assert judged.rank_effect == pytest.approx(sum(wins) / len(wins))


def test_a_bound_on_steps_is_not_decided_by_censored_runs():
    claim = Claim("fast", "s", "s", (Contrast(((*A, 1.0),), bound=70.0),))
    assert steps_of(claim, A=[10, 11, 12, 13])[0].verdict == "supported"
    (judged,) = steps_of(claim, A=[10, 11, 12, (14,)])
    assert judged.verdict == "undecided" and "there is no rank test of row: A that could include them" in judged.reason


def test_a_factor_scales_the_steps_of_a_censored_run():
    """Twice a run of more than 30 steps is more than 60: certainly more than 59, but perhaps not more than 61."""
    claim = Claim("half", "s", "s", (within(A, 2.0, of=B),))
    assert steps_of(claim, A=[10, 11, 12, 59], B=[28, 29, 30, (30,)])[0].rank_effect == 1 - 2 / 16
    assert steps_of(claim, A=[10, 11, 12, 61], B=[28, 29, 30, (30,)])[0].rank_effect is None


def test_a_bootstrap_interval_from_ten_values():
    values = {"A": [1 + 0.01 * seed**1.5 for seed in range(10)], "B": [2 - 0.02 * seed for seed in range(10)]}
    judged = verdict_of(**values)
    assert judged.bootstrap[0] < judged.estimate < judged.bootstrap[1]
    assert verdict_of(A=values["A"], B=values["B"][:9]).bootstrap is None


def test_stale_runs_count_and_are_mentioned():
    judged = verdict_of(environment=OLD, A=LOW, B=HIGH)
    assert judged.verdict == "supported"
    assert judged.reason.endswith("; other package versions produced 6 of the runs")


def test_two_stages_of_one_run_are_paired():
    first, then = [1.0, 5.0, 9.0, 2.0], [0.5, 4.7, 8.4, 1.6]
    later = Cell("later", "A", EXPERIMENTS["A"], "then", "mse")
    results = {}
    for seed, value in enumerate(first):
        result = result_of("A", seed, value)
        more = result.stages[0].model_copy(update={"name": "then", "metrics": {"mse": then[seed]}})
        results[seed] = result.model_copy(update={"stages": (*result.stages, more)})
    plain = table_of(seeds=4)
    claim = Claim("c", "s", "s", (beats(("later", "A"), over=A),))
    table = replace(plain, cells=(plain.cells[0], later), claims=(claim,))
    cells = {(cell.row, cell.column): FilledCell(cell, results) for cell in table.cells}
    (judged,) = judge(Summary(table, cells))
    assert judged.p == pytest.approx(stats.ttest_rel(then, first).pvalue)
    assert (judged.verdict, judged.rank_p) == ("supported", None)
    may_fail = replace(table, plan=Plan(failure_threshold=60.0))
    (judged,) = judge(Summary(may_fail, cells))
    assert judged.p == pytest.approx(t_p(then, first)), "runs that may fail are not combined"


# Laws

values = st.lists(st.floats(0.1, 100).map(lambda value: round(value, 4)), min_size=2, max_size=5)
quick = settings(max_examples=60, deadline=None)
SWAPPED = {"supported": "contradicted", "contradicted": "supported", "undecided": "undecided"}


@quick
@given(values, values)
def test_swapped_cells_swap_the_verdict(first, second):
    one = verdict_of(A=first, B=second)
    other = verdict_of(A=second, B=first)
    assert other.verdict == SWAPPED[one.verdict]
    assert other.p == (None if one.p is None else pytest.approx(one.p))
    assert other.effect == (None if one.effect is None else pytest.approx(-one.effect))
    assert other.rank_effect == pytest.approx(1 - one.rank_effect)


@quick
@given(values, values, st.floats(-50, 50), st.floats(0.01, 100))
def test_the_unit_and_the_origin_do_not_matter(first, second, shift, scale):
    def moved(cell):
        return [scale * (value + shift) for value in cell]

    one = verdict_of(A=first, B=second)
    other = verdict_of(A=moved(first), B=moved(second))
    if one.p is None:
        assert other.p is None
        return
    assert other.p == pytest.approx(one.p, rel=1e-5, abs=1e-12)
    assert other.estimate == pytest.approx(scale * one.estimate, rel=1e-6, abs=1e-9)
    assert other.effect == pytest.approx(one.effect, rel=1e-6, abs=1e-9)
    if abs(one.p - 0.05) > 1e-6:
        assert other.verdict == one.verdict


@quick
@given(values, values, st.floats(0, 50), st.sampled_from(["lower", "higher"]))
def test_a_better_cell_never_hurts_its_claim(first, second, gain, better):
    order = ["contradicted", "undecided", "supported"]
    better_first = [value - gain if better == "lower" else value + gain for value in first]
    one = verdict_of(better=better, A=first, B=second)
    other = verdict_of(better=better, A=better_first, B=second)
    if one.p is not None and other.p is not None:
        assert order.index(other.verdict) >= order.index(one.verdict)
        assert other.effect >= one.effect - 1e-9


wild = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=0, max_size=4)
gap = st.sampled_from([None, "failed", "smoke", "one seed"])


@quick
@given(wild, wild, gap, st.booleans())
def test_missing_failed_or_single_runs_never_give_a_verdict_whatever_the_values(first, second, why, side):
    scale = "paper"
    if why == "smoke":
        scale = "smoke"
    elif why == "one seed":
        first, second = (first[:1], second) if side else (first, second[:1])
    elif side:
        first = [*first, why]
    else:
        second = [*second, why]
    judged = verdict_of(scale=scale, A=first, B=second)
    assert judged.verdict == "undecided"


@quick
@given(wild, wild, wild)
def test_no_number_of_a_judgement_is_nan_or_infinite(first, second, third):
    claims = (A_BEATS_B, Claim("both", "s", "s", (within(A, 2.0, of=B), beats(C, over=A))))
    for judged in judge(summary_of(table_of(*claims, seeds=0), A=first, B=second, C=third)):
        numbers = [*(judged.interval or ()), *(judged.bootstrap or ())]
        numbers += [item for item in astuple(judged) if isinstance(item, float)]
        assert all(map(math.isfinite, numbers))
        assert judged.verdict == "undecided" or judged.p_holm < 0.05
        assert judged.reason
