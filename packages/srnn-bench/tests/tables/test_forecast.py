"""What a plan can decide, against simulations with scipy: distances and margins found with 80 % power."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from srnn_bench import Cell, Conditions, Experiment, Result, Stage, Summary, Table, Training
from srnn_bench.tables import (
    Claim,
    Contrast,
    FilledCell,
    Plan,
    beats,
    chance_of_no_failure,
    forecast,
    judge,
    largest_hidden_rate,
    matches,
    runs_that_exclude,
    seed_correlation,
    within,
)
from srnn_bench.training import describe
from srnn_models import ElmanRNN, SequenceModel
from srnn_tasks import Adding

DRAWS = 4_000
NO_PLAN = Plan()
STAGE = Stage(name="only", training=Training(epochs=1, batches=1, batch_size=2, learning_rate=0.1))
ENVIRONMENT = describe("adding", Conditions("cpu"))
EXPERIMENTS = {
    name: Experiment(
        task=Adding(steps=5 + index, held_out=50), model=SequenceModel(recurrence=ElmanRNN(hidden=6)), stages=(STAGE,)
    )
    for index, name in enumerate("ABCD")
}
A, B, C, D = [("row", name) for name in "ABCD"]
SPREADS = {"A": 1.0, "B": 1.0, "C": 2.0, "D": 0.5}


def summary_of(claims, values, *, seeds=3, better="lower", plan=NO_PLAN):
    """Return a summary of a table whose columns have these values, one per seed."""
    fields = {"densities": {}, "history": (), "steps": 1, "step_ms": 1.0, "peak_memory_mb": None}
    cells = [Cell("row", name, experiment, "only", "mse") for name, experiment in EXPERIMENTS.items()]
    filled = {}
    for cell in cells:
        results = {}
        for seed, value in enumerate(values.get(cell.column, [])):
            run = {"key": f"{cell.column}{seed}", "experiment": cell.experiment, "seed": seed, "status": "done"}
            stages = [{"name": "only", "metrics": {"mse": value}, **fields}]
            results[seed] = Result.model_validate(run | {"stages": stages, "environment": ENVIRONMENT, "seconds": 1.0})
        filled[cell.place] = FilledCell(cell, results)
    table = Table(
        name="some/table",
        scale="quick",
        title="Some table",
        source="nowhere",
        metric="Error",
        unit="cm",
        better=better,
        seeds=tuple(range(seeds)),
        cells=tuple(cells),
        claims=claims,
        plan=plan,
    )
    return Summary(table, filled)


def exact(n, sd, mean=0.0):
    """Return n values with exactly this mean and sample standard deviation."""
    values = np.arange(n) - (n - 1) / 2
    return list(mean + sd * values / values.std(ddof=1))


def spread_out(n):
    """Return values of all columns with the spreads of `SPREADS`, in other orders of the seeds."""
    return {name: list(np.roll(exact(n, sd), index)) for index, (name, sd) in enumerate(SPREADS.items())}


def share_found(contrasts, distance, level, n, better="lower"):
    """Return in how many simulated tables scipy rejects all one-sided tests of pairs that lie `distance` apart."""
    random = np.random.default_rng(7)
    sign = 1.0 if better == "lower" else -1.0
    noise = {name: random.normal(0.0, sd, (DRAWS, n)) for name, sd in SPREADS.items()}
    found = np.ones(DRAWS, dtype=bool)
    for contrast in contrasts:
        (_, one, weight), (_, other, opposite) = contrast.terms
        first, second = weight * noise[one], -opposite * noise[other]
        t = stats.ttest_ind(first - sign * distance, second, axis=1, equal_var=False).statistic
        found &= sign * t < stats.t.ppf(level, n - 1)
    return found.mean()


CONTRASTS = {
    "one pair": (beats(A, over=B),),
    "unequal spreads": (beats(D, over=C),),
    "two that share a cell": (beats(A, over=B), beats(A, over=C)),
    "three": (beats(A, over=B), beats(A, over=C), beats(D, over=C)),
    "a factor": (within(A, 1.5, of=B),),
}


@pytest.mark.parametrize("better", ["lower", "higher"])
@pytest.mark.parametrize("n", [3, 5, 8])
@pytest.mark.parametrize("family", [1, 7])
@pytest.mark.parametrize("kind", CONTRASTS)
def test_the_detectable_distance_is_found_with_80_percent_power_at_the_level_of_the_decision(kind, family, n, better):
    others = tuple(Claim(f"other {index}", "s", "s", (beats(C, over=D),)) for index in range(family - 1))
    claims = (Claim("claim", "s", "s", CONTRASTS[kind]), *others)
    summary = summary_of(claims, spread_out(n), seeds=n, better=better)
    judged = judge(summary)[0]
    assert judged.verdict == "undecided"
    distance = judged.detectable
    assert share_found(CONTRASTS[kind], distance, 0.025 / family, n, better) == pytest.approx(0.8, abs=0.03)
    assert f"of {distance:.3g} cm would be detected with 80 % power" in judged.reason
    assert forecast(summary, n, paired=False)[0].distance == pytest.approx(distance, rel=0.03)


def test_a_forecast_has_the_number_of_seeds_that_is_planned():
    claims = (Claim("claim", "s", "s", CONTRASTS["two that share a cell"]),)
    summary = summary_of(claims, spread_out(3))
    distances = {n: forecast(summary, n, paired=False)[0].distance for n in (3, 5, 8, 14)}
    assert distances[3] > distances[5] > distances[8] > distances[14]
    for n, distance in distances.items():
        assert share_found(claims[0].contrasts, distance, 0.025, n) == pytest.approx(0.8, abs=0.03)
    assert forecast(summary, 1, paired=False)[0].distance is None


def test_the_margin_of_an_equality_is_found_with_80_percent_power():
    claims = (Claim("claim", "s", "s", CONTRASTS["two that share a cell"]), Claim("o", "s", "s", (beats(C, over=D),)))
    n, summary = 6, summary_of(claims, spread_out(6), seeds=6)
    margin = forecast(summary, n, paired=False)[0].equality
    random = np.random.default_rng(3)
    noise = {name: random.normal(0.0, sd, (DRAWS, n)) for name, sd in SPREADS.items()}
    found = np.ones(DRAWS, dtype=bool)
    for other in "BC":
        for sign in (-1, 1):
            t = stats.ttest_ind(noise["A"] + sign * margin, noise[other], axis=1, equal_var=False).statistic
            found &= sign * t > stats.t.isf(0.05 / 2, n - 1)
    assert found.mean() == pytest.approx(0.8, abs=0.03)


def test_a_match_has_a_margin_and_no_distance():
    summary = summary_of((Claim("match", "s", "s", matches(A, B, margin=1.0)),), spread_out(5), seeds=5)
    (found,) = forecast(summary, 5, paired=False)
    assert found.distance is None
    pair = summary_of((Claim("o", "s", "s", (beats(A, over=B),)),), spread_out(5))
    assert found.equality == pytest.approx(forecast(pair, 5, paired=False)[0].equality, rel=0.35)
    (judged,) = judge(summary)
    assert judged.detectable is None


def test_without_values_distances_are_in_standard_deviations():
    claims = (Claim("claim", "s", "s", (beats(A, over=B),)),)
    (unknown,) = forecast(summary_of(claims, {"A": [1.0, 2.0, 3.0]}), 5, paired=False)
    (known,) = forecast(summary_of(claims, {"A": exact(3, 1.0), "B": exact(3, 1.0)}), 5, paired=False)
    assert unknown.in_sds and not known.in_sds
    assert unknown.distance == pytest.approx(known.distance, rel=0.03)


def test_pairing_by_seed_helps_if_cells_rise_and_fall_together():
    shared = np.array(exact(6, 3.0))
    values = {"A": list(shared + exact(6, 0.3)), "B": list(shared - exact(6, 0.3))}
    values["B"] = [value + 0.2 * (-1) ** index for index, value in enumerate(values["B"])]
    summary = summary_of((Claim("claim", "s", "s", (beats(A, over=B),)),), values, seeds=6)
    alone, paired = (forecast(summary, 6, paired=choice)[0] for choice in (False, True))
    assert paired.distance < alone.distance / 2
    assert forecast(replace(summary, table=replace(summary.table, plan=Plan(paired=True))), 6, paired=False)[0] == alone
    difference = np.array(values["A"]) - values["B"]
    noncentrality = paired.distance / (difference.std(ddof=1) / math.sqrt(6))
    assert stats.nct.sf(stats.t.isf(0.025, 5), 5, noncentrality) == pytest.approx(0.8, abs=0.03)


def test_the_correlation_over_seeds():
    random = np.random.default_rng(5)
    shared = random.normal(size=400)
    values = {name: list(10 + shared + random.normal(size=400)) for name in "AB"}
    claims = (Claim("claim", "s", "s", (beats(A, over=B),)),)
    expected = float(np.corrcoef(values["A"], values["B"])[0, 1])
    assert seed_correlation(summary_of(claims, values, seeds=400)) == pytest.approx(expected)
    assert seed_correlation(summary_of(claims, {"A": [1.0, 2.0], "B": [1.0, 2.0]}, seeds=2)) is None
    grown = {name: list(np.exp(of_cell)) for name, of_cell in values.items()}
    logarithms = summary_of(claims, grown, seeds=400, plan=Plan(log=True))
    assert seed_correlation(logarithms) == pytest.approx(expected)
    assert seed_correlation(summary_of(claims, values | {"A": [-1.0, *values["A"][1:]]}, plan=Plan(log=True))) is None
    one = (Claim("claim", "s", "s", (Contrast(((*A, 1.0),), bound=1.0),)),)
    assert seed_correlation(summary_of(one, values, seeds=400)) is None


@pytest.mark.parametrize(("n", "chance"), [(3, 0.512), (5, 0.32768), (14, 0.0439805)])
def test_few_runs_may_show_no_failure(n, chance):
    assert chance_of_no_failure(0.2, n) == pytest.approx(chance, rel=1e-5)
    rate = largest_hidden_rate(n)
    assert stats.binom.pmf(0, n, rate) == pytest.approx(0.05)
    assert (rate < 0.2) == (n >= 14)
    assert (runs_that_exclude(1.001 * rate), runs_that_exclude(0.999 * rate)) == (n, n + 1)
