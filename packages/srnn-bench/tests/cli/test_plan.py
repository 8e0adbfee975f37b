"""`srnn plan`: what a table can decide before its runs, from stored spreads or in standard deviations."""

import io
import math
import statistics
from dataclasses import replace

import pytest
from rich.console import Console
from scipy import stats

from srnn_bench import Cell, Conditions, Result, Store, Table, summarise
from srnn_bench.cli import print_plan
from srnn_bench.tables import Claim, Plan, Relatives, beats, forecast
from srnn_bench.training import describe
from srnn_models import ElmanRNN, SequenceModel

ENVIRONMENT = describe("adding", Conditions("cpu"))
VALUES = {"A": (1.0, 1.4, 0.9, 1.3), "B": (2.0, 2.3, 2.2, 1.9)}
A, B = [("row", name) for name in VALUES]
CLAIM = Claim("A beats B", "A beats B.", "Section 1", (beats(A, over=B),))
SEEDS = tuple(range(10, 18))


@pytest.fixture(scope="module")
def table(tiny) -> Table:
    """Two cells and a claim, without a plan."""
    models = {name: SequenceModel(recurrence=ElmanRNN(hidden=size)) for name, size in (("A", 6), ("B", 7))}
    cells = tuple(Cell("row", name, tiny(model=model), "sparse", "mse") for name, model in models.items())
    return Table("paper/table", "quick", "A title", "s", "Error", "cm", "lower", (0, 1, 2, 3), cells, claims=(CLAIM,))


@pytest.fixture(scope="module")
def store(table, tmp_path_factory) -> Store:
    """Runs of four seeds."""
    store = Store(tmp_path_factory.mktemp("store"))
    for cell in table.cells:
        for seed, value in enumerate(VALUES[cell.column]):
            fields = {"densities": {}, "history": (), "steps": 1, "step_ms": 1.0, "peak_memory_mb": None}
            stage = {"name": "sparse", "metrics": {"mse": value}, **fields}
            run = {"key": cell.experiment.key(seed), "experiment": cell.experiment, "seed": seed, "status": "done"}
            store.put(Result.model_validate(run | {"stages": [stage], "environment": ENVIRONMENT, "seconds": 1.0}))
    return store


def printed(summary, seeds, width=200):
    out = io.StringIO()
    print_plan(summary, seeds, Console(file=out, width=width))
    return " ".join(out.getvalue().split())


def test_distances_are_those_of_the_forecast(table, store):
    summary = summarise(table, store)
    words = printed(summary, SEEDS)
    (alone,), (paired,) = (forecast(summary, 8, paired=each) for each in (False, True))
    numbers = (alone.distance, alone.equality, paired.distance, paired.equality)
    assert "A beats B " + " ".join(f"{number:.3g} cm" for number in numbers) in words
    assert "The claim is alone in its family, paper/table." in words


def test_the_distance_is_about_that_of_the_power_of_a_t_test(table, store):
    """With one claim the level is 5 %: in 80 % of draws, t is beyond the quantile of 7 degrees of freedom."""
    (alone,) = forecast(summarise(table, store), 8, paired=False)
    spread = math.sqrt(statistics.fmean(statistics.variance(values) for values in VALUES.values()))
    critical = stats.t.ppf(0.975, 7)
    power = stats.nct.sf(critical, 14, alone.distance / (spread * math.sqrt(2 / 8)))  # of two equal spreads
    assert power == pytest.approx(0.8, abs=0.03)


def test_the_uncertainty_of_the_spreads_is_said(table, store):
    words = printed(summarise(table, store), SEEDS)
    low, high = (math.sqrt(3 / stats.chi2.ppf(share, 3)) for share in (0.975, 0.025))
    assert "Spreads are those of the stored runs that learned, at least 4 per cell." in words
    assert f"may be {low:.2g} to {high:.2g} times as large" in words
    correlation = statistics.correlation(VALUES["A"], VALUES["B"])
    assert f"Correlation of cells over seeds: {correlation:+.2f}." in words


def test_what_runs_without_failures_exclude(table, store):
    words = printed(summarise(table, store), SEEDS)
    assert f"8 runs show no failure with a chance of {100 * 0.8**8:.0f} %" in words
    assert f"exclude (at 95 %) rates above {100 * (1 - 0.05 ** (1 / 8)):.0f} %" in words
    assert "to exclude 20 %, a plan needs n >= 14" in words


@pytest.mark.parametrize("width", [80, 200])
def test_without_values_distances_are_in_standard_deviations(table, tmp_path, width):
    summary = summarise(table, Store(tmp_path))
    words = printed(summary, SEEDS, width)
    (alone,) = forecast(summary, 8, paired=False)
    assert f"{alone.distance:.2f} sd" in words and "in standard deviations of a cell (sd)" in words
    assert "Spreads are" not in words


def test_runs_that_failed_to_learn_give_no_spread(table, store):
    words = printed(summarise(replace(table, plan=Plan(failure_threshold=2.1)), store), SEEDS)  # two runs of B
    assert "at least 2 per cell" in words and "(sd)" not in words
    words = printed(summarise(replace(table, plan=Plan(failure_threshold=1.95)), store), SEEDS)  # three
    assert (
        "Claims on cells with fewer than two stored runs that learned" in words and "at least 4 per other cell" in words
    )


def test_seeds_that_have_results_are_named(table, store):
    words = printed(summarise(table, store), (2, 3, 4, 5))
    assert "No plan fixes the seeds; here: seeds 2-5, n = 4." in words
    assert "A plan needs fresh seeds; there are results of seeds 2-3." in words
    assert "fresh" not in printed(summarise(table, store), SEEDS)


def test_a_plan_for_other_seeds_is_named(table, store):
    planned = replace(table, seeds=(0, 1), plan=Plan((0, 1), looks=((20,),)))
    words = printed(summarise(planned, store), (2, 3, 4, 20))
    assert "The plan of the table fixes seeds 0-1; here: seeds 2-4, 20, n = 4." in words
    assert "there are results of seeds 2-3, 20." in words, "stored runs outside the plan, and an earlier look"
    assert "No plan" not in words


def test_tables_that_the_family_may_lack_are_named(table, store):
    relatives = Relatives(broken=("paper/two (RuntimeError: nope)",))
    words = printed(summarise(replace(table, relatives=lambda: relatives), store), SEEDS)
    assert "Table paper/two (RuntimeError: nope) cannot be built: if it belongs to this family" in words


@pytest.mark.parametrize(
    ("changes", "seeds", "reason"),
    [
        ({"claims": ()}, SEEDS, "This table has no claims."),
        ({"scale": "smoke"}, SEEDS, "Claims are not judged at scale smoke: its runs only test the code."),
        ({}, (5,), "One seed (5) decides no claim: a t test needs two runs per cell."),
    ],
)
def test_where_nothing_can_be_decided_the_reason_stands_alone(table, store, changes, seeds, reason):
    changed = replace(table, **changes)
    assert printed(summarise(changed, store), seeds) == f"{changed.heading} {reason}"


def test_a_plan_is_printed_with_all_that_it_fixes(table, store):
    plan = Plan(SEEDS, looks=((0, 1, 2, 3),), margin=0.5, failure_threshold=60.0, note="Twice as many.")
    words = printed(summarise(replace(table, seeds=SEEDS, plan=plan), store), SEEDS)
    assert "Plan: seeds 10-17, n = 8 (second look; looked at before: seeds 0-3)." in words
    assert "Means are equivalent if they are shown to differ by less than 0.5 cm" in words
    assert "a run that diverged, or whose value is 60 cm or above, failed to learn." in words
    assert "Note: Twice as many." in words
    assert "Distances are for seeds all of whose runs learn." in words
    assert "all of whose" not in printed(summarise(table, store), SEEDS), "without a failure threshold"


def test_logarithms_are_printed_as_factors(table, store):
    summary = summarise(replace(table, plan=Plan(log=True)), store)
    (alone,) = forecast(summary, 8, paired=False)
    assert f"x {math.exp(alone.distance):.3g}" in printed(summary, SEEDS)


def test_the_command(srnn):
    options = ("--seeds", "3-10", "--set", "stages.0.training.batches=7")
    code, out, err = srnn("plan", "moduli/table1", "moduli/strength", *options)
    words = " ".join(out.split())
    assert (code, err) == (0, "")
    assert "seeds 3-10, n = 8" in words and "sd" in words and "Family moduli/table1: " in words
    assert "This table has no claims." in words and "found: if every comparison" in words


def test_an_unknown_table_is_refused(srnn):
    code, _, err = srnn("plan", "moduli/nix")
    assert code == 2 and "no table 'moduli/nix'" in err


def test_a_folder_without_results_is_refused_if_it_is_given(srnn):
    code, _, err = srnn("plan", "moduli/table1", "--results", "nowhere")
    assert code == 2 and "nowhere: no results" in err


def test_what_the_columns_mean_is_explained_where_there_are_any(srnn):
    code, out, _ = srnn("plan", "moduli/table1", "--scale", "smoke")
    assert code == 0 and "not judged at scale smoke" in out and "with 80 % power" not in out
