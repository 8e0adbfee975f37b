"""Claims about groups of columns: the test, with groups as its sample, and how they are judged and checked."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from srnn_bench import BenchError, Conditions, Experiment, Result, StageResult, Training, judge
from srnn_bench.experiment import Stage
from srnn_bench.tables import AcrossColumns, Cell, Claim, FilledCell, Plan, Summary, Table, beats
from srnn_bench.training import describe
from srnn_models import ElmanRNN, SequenceModel
from srnn_tasks import Adding

SEEDS = (3, 4, 5)
ROWS, GROUPS = ("parent", "rule"), (("a", "b"), ("c",), ("d", "e"), ("f",))
COLUMNS = tuple(column for group in GROUPS for column in group)


def experiment(row: str, column: str) -> Experiment:
    hidden = 2 + 10 * ROWS.index(row) + COLUMNS.index(column)
    training = Training(epochs=1, batches=1, batch_size=2, learning_rate=0.1)
    model = SequenceModel(recurrence=ElmanRNN(hidden=hidden))
    return Experiment(task=Adding(steps=3), model=model, stages=(Stage(name="trained", training=training),))


def table(*claims, better="higher", **fields) -> Table:
    usual = {"name": "x/y", "scale": "quick", "title": "t", "source": "s", "metric": "m", "unit": "%"}
    cells = tuple(Cell(row, column, experiment(row, column), "trained", "mse") for row in ROWS for column in COLUMNS)
    plan = Plan(seeds=SEEDS)
    return Table(**usual, better=better, seeds=SEEDS, cells=cells, claims=claims, plan=plan, **fields)


def result(cell: Cell, seed: int, value: float | None) -> Result:
    stage = {"name": "trained", "metrics": {"mse": value}, "densities": {}, "history": (), "steps": 1}
    stages = () if value is None else (StageResult.model_validate({**stage, "step_ms": 1.0, "peak_memory_mb": None}),)
    return Result(
        key=cell.experiment.key(seed),
        experiment=cell.experiment,
        seed=seed,
        status="diverged" if value is None else "done",
        stages=stages,
        environment=describe("adding", Conditions("cpu")),
        seconds=1.0,
    )


def filled(of: Table, values: np.ndarray) -> Summary:
    """Return the table with values `(rows, columns, seeds)`; nan for a run that diverged."""
    cells = {}
    for cell in of.cells:
        runs = values[ROWS.index(cell.row), COLUMNS.index(cell.column)]
        found = {
            seed: result(cell, seed, None if np.isnan(run) else run) for seed, run in zip(SEEDS, runs, strict=True)
        }
        cells[cell.place] = FilledCell(cell, found)
    return Summary(of, cells)


def claim(over: str | None = "rule", bound: float = 0.0) -> AcrossColumns:
    return AcrossColumns("c", "s", "ours", "parent", over, GROUPS, bound)


def group_values(values: np.ndarray, over: str | None) -> list[float]:
    """The value of each group by loops over its cells."""
    found = []
    for group in GROUPS:
        total = 0.0
        for column in group:
            ours, theirs = values[:, COLUMNS.index(column)].mean(axis=1)
            total += ours - (theirs if over else 0.0)
        found.append(total / len(group))
    return found


@pytest.mark.parametrize("better", ["higher", "lower"])
@pytest.mark.parametrize(("over", "bound"), [("rule", 0.0), ("rule", -2.0), (None, 50.0)])
def test_the_test_is_that_of_one_sample_of_groups(over, bound, better):
    values = np.random.default_rng(0).normal(51, 3, (2, len(COLUMNS), len(SEEDS)))
    (found,) = judge(filled(table(claim(over, bound), better=better), values))
    expected = stats.ttest_1samp(group_values(values, over), bound)
    assert found.estimate == pytest.approx(np.mean(group_values(values, over)))
    assert found.interval == pytest.approx(tuple(expected.confidence_interval()))
    assert found.p == found.p_holm == pytest.approx(expected.pvalue)


@pytest.mark.parametrize(("better", "verdict"), [("higher", "supported"), ("lower", "contradicted")])
def test_a_clear_difference_has_a_verdict(better, verdict):
    values = np.random.default_rng(1).normal(50, 1, (2, len(COLUMNS), len(SEEDS)))
    values[0] += 30
    (found,) = judge(filled(table(claim(), better=better), values))
    assert found.verdict == verdict and "4 groups of columns" in found.reason and "above 0 %" in found.reason
    assert found.n["parent", "a"] == 3 and len(found.n) == 12


def test_more_runs_do_not_replace_groups():
    """Four tasks that contradict each other decide nothing, however small the spread over seeds."""
    values = np.random.default_rng(2).normal(50, 1e-3, (2, len(COLUMNS), len(SEEDS)))
    values[0, [0, 1, 2]] += 10
    values[0, [3, 4]] -= 6
    (found,) = judge(filled(table(claim()), values))
    assert found.verdict == "undecided" and "not significantly above or below 0 %" in found.reason


def test_it_is_corrected_with_the_other_claims_of_its_family():
    values = np.random.default_rng(3).normal(50, 3, (2, len(COLUMNS), len(SEEDS)))
    values[0] += 4
    both = table(claim(), Claim("other", "s", "ours", (beats(("parent", "a"), over=("rule", "a")),)))
    first, second = judge(filled(both, values))
    assert first.family == second.family == 2
    assert max(first.p_holm / first.p, second.p_holm / second.p) == pytest.approx(2)


def test_a_run_without_a_value_decides_nothing():
    values = np.full((2, len(COLUMNS), len(SEEDS)), 50.0) + np.arange(len(COLUMNS))[:, None]
    values[0, 2, 1] = np.nan
    (found,) = judge(filled(table(claim()), values))
    assert found.verdict == "undecided" and "1 of the runs that the claim uses have no value" in found.reason
    assert found.failures["parent", "c"] == 1
    smoke = replace(table(claim()), scale="smoke")
    (found,) = judge(filled(smoke, np.nan_to_num(values)))
    assert found.verdict == "undecided" and "smoke" in found.reason


def test_runs_of_other_package_versions_are_mentioned():
    values = np.random.default_rng(1).normal(50, 1, (2, len(COLUMNS), len(SEEDS)))
    values[0] += 30
    summary = filled(table(claim()), values)
    (before,) = judge(summary)
    for cell in (summary.cells["parent", "a"], summary.cells["rule", "f"]):
        stored = cell.results[3]
        old = stored.environment.model_copy(update={"packages": {**stored.environment.packages, "srnn-masks": "0.0.1"}})
        cell.results[3] = stored.model_copy(update={"environment": old})
    (found,) = judge(replace(summary))
    assert found.reason == f"{before.reason}; other package versions produced 2 of the runs"
    assert replace(found, reason=before.reason) == before


@pytest.mark.parametrize("groups", [(("a", "b"),), (("a",), ()), (("a", "b"), ("b", "c"))])
def test_groups_that_cannot_be_compared_are_refused(groups):
    with pytest.raises(BenchError, match="claim 'c': expected at least two groups of columns, each column once"):
        AcrossColumns("c", "s", "ours", "parent", None, groups)


def test_cells_that_do_not_exist_are_refused():
    with pytest.raises(BenchError, match=r"claim 'c' of table 'x/y': expected cells with rows among"):
        table(AcrossColumns("c", "s", "ours", "parent", "nobody", GROUPS))
