"""Summaries: the arithmetic of a cell, what is missing, and which runs of a store are read."""

import statistics
from dataclasses import replace

import pytest

from srnn_bench import BenchError, Cell, Conditions, Published, Result, Store, Table, summarise
from srnn_bench.tables import Claim, Plan, Relatives, beats
from srnn_bench.training import describe


def result_of(experiment, seed, values, *, status="done", reason=None, packages=None) -> Result:
    """Return a result with the given metric of each stage."""
    environment = describe("adding", Conditions("cpu"))
    if packages:
        environment = environment.model_copy(update={"packages": environment.packages | packages})
    return Result.model_validate(
        {
            "key": experiment.key(seed),
            "experiment": experiment,
            "seed": seed,
            "status": status,
            "reason": reason,
            "stages": [
                {
                    "name": name,
                    "metrics": {"mse": value},
                    "densities": {"w": 0.25 if name == "sparse" else 0.5},
                    "history": [{"loss": value + 1 / epoch, "penalty": 0.0, "density": 0.5} for epoch in (1, 2, 3)],
                    "steps": 6,
                    "step_ms": 2.0 + seed,
                    "peak_memory_mb": 100.0,
                }
                for name, value in values.items()
            ],
            "environment": environment,
            "seconds": 1.0,
        }
    )


@pytest.fixture
def table(tiny) -> Table:
    experiment = tiny()
    return Table(
        name="paper/table",
        scale="smoke",
        title="A title",
        source="A paper, Table 0",
        metric="Error",
        unit="units",
        better="lower",
        seeds=(0, 1, 2),
        cells=(
            Cell("sparse", "A", experiment, "sparse", "mse", Published(1.5, 0.25, 5)),
            Cell("lottery", "A", experiment, "lottery", "mse"),
        ),
    )


@pytest.fixture
def store(tmp_path, table) -> Store:
    experiment = table.cells[0].experiment
    store = Store(tmp_path)
    store.put(result_of(experiment, 0, {"sparse": 1.0, "lottery": 2.0}))
    store.put(result_of(experiment, 1, {"sparse": 3.0}, status="diverged", reason="loss is nan"))
    store.put(result_of(experiment, 7, {"sparse": 8.0, "lottery": 5.0}, packages={"srnn-masks": "0.0.1"}))
    return store


def test_the_numbers_of_a_cell(table, store):
    cells = summarise(table, store).cells
    sparse, lottery = cells["sparse", "A"], cells["lottery", "A"]
    assert sparse.values == {0: 1.0, 1: 3.0, 7: 8.0}, "a finished stage counts even when a later one diverged"
    assert (sparse.n, sparse.mean) == (3, 4.0)
    assert sparse.sd == pytest.approx(statistics.stdev([1, 3, 8]))
    assert sparse.population_sd == pytest.approx(statistics.pstdev([1, 3, 8]))
    assert sparse.missing == lottery.missing == 1
    assert lottery.values == {0: 2.0, 7: 5.0}
    assert (sparse.diverged, lottery.diverged, lottery.failed) == (0, 1, 0)
    assert sparse.densities == {"w": 0.25}


def test_a_table_counts_its_runs(table, store):
    summary = summarise(table, store)
    assert (summary.done, summary.wanted) == (3, 4)
    assert list(summary.stale.values()) == ["srnn-masks 0.0.1, now 0.2.0"]


def test_a_table_has_one_job_per_experiment_and_seed(table):
    assert [(job.seed, job.experiment) for job in table.jobs()] == [
        (seed, table.cells[0].experiment) for seed in (0, 1, 2)
    ]
    assert [job.seed for job in table.jobs([9])] == [9]


def test_a_result_without_the_metric_of_its_cell_is_named(table, tmp_path):
    store = Store(tmp_path)
    result = result_of(table.cells[0].experiment, 0, {"sparse": 1.0})
    (stage,) = result.stages
    store.put(result.model_copy(update={"stages": (stage.model_copy(update={"metrics": {"error": 1.0}}),)}))
    with pytest.raises(BenchError, match=f"run {result.key}: stage 'sparse' has no metric 'mse', only error"):
        summarise(table, store)


class CountingStore(Store):
    """A store that records which keys are read."""

    def __init__(self, folder):
        super().__init__(folder)
        self.read = []

    def get(self, key):
        self.read.append(key)
        return super().get(key)


def test_only_the_runs_of_the_table_are_read_from_a_store_with_many_others(table, tiny, tmp_path):
    store = CountingStore(tmp_path)
    other = tiny(penalties=())
    for seed in range(50):
        store.put(result_of(other, seed, {"sparse": 1.0}))
    result = result_of(table.cells[0].experiment, 7, {"sparse": 2.0})
    store.put(result)
    summary = summarise(table, store)
    assert store.read == [result.key]
    assert summary.cells["sparse", "A"].values == {7: 2.0}
    assert list(summary.cells["sparse", "A"].results) == [0, 1, 2, 7]


def test_seeds_outside_the_plan_are_kept_apart(table, store):
    planned = replace(table, seeds=(0, 1), plan=Plan(seeds=(0, 1), looks=((7,),)))
    summary = summarise(planned, store)
    assert {seed for cell in summary.cells.values() for seed in cell.results} == {0, 1}
    assert {place: list(cell.results) for place, cell in summary.outside.items()} == {
        ("sparse", "A"): [7],
        ("lottery", "A"): [7],
    }
    assert sorted(result.seed for result in summary.results) == [0, 1]
    assert sorted(result.seed for result in summary.every_result) == [0, 1, 7]
    exploratory = summarise(table, store)
    assert exploratory.outside == {} and {*exploratory.cells["sparse", "A"].results} == {0, 1, 2, 7}
    assert {*exploratory.judged["sparse", "A"].results} == {0, 1, 2}


def test_the_tables_of_a_family_are_collected_together(table, store):
    claim = Claim("c", "A statement.", "s", (beats(("sparse", "A"), over=("lottery", "A")),))
    twin = replace(table, name="paper/twin", claims=(claim, replace(claim, name="d")))
    other = replace(table, name="paper/reading", claims=(claim,), seeds=(3,))
    alone = summarise(table, store)
    assert (alone.siblings, alone.readings, alone.family_size) == ((), {}, 0)
    relatives = Relatives(siblings=(twin,), readings=(other,))
    summary = summarise(replace(table, claims=(claim,), relatives=lambda: relatives), store)
    assert [each.table for each in summary.siblings] == [twin]
    assert summary.siblings[0].cells["sparse", "A"].values == summary.cells["sparse", "A"].values
    assert summary.family_size == 3
    assert summary.readings == {"paper/table": True, "paper/reading": False}
    assert summarise(replace(table, claims=(claim,), relatives=lambda: replace(relatives, readings=(twin,))), store)


def test_a_sibling_whose_results_cannot_be_read_has_none(table, store, tiny):
    other = tiny(penalties=())
    claim = Claim("c", "A statement.", "s", (beats(("sparse", "A"), over=("lottery", "A")),))
    cells = tuple(replace(cell, experiment=other, metric="accuracy") for cell in table.cells)
    twin = replace(table, name="paper/twin", claims=(claim,), cells=cells)
    store.put(result_of(other, 0, {"sparse": 1.0, "lottery": 2.0}))
    family = replace(table, claims=(claim,), relatives=lambda: Relatives(siblings=(twin,)))
    summary = summarise(family, store)
    ((name, error),) = summary.unread.items()
    assert name == "paper/twin" and error.startswith(f"run {other.key(0)}: stage 'sparse' has no metric 'accuracy'")
    (sibling,) = summary.siblings
    assert (sibling.table, sibling.results, sibling.wanted, summary.family_size) == (twin, [], 3, 2)
    with pytest.raises(BenchError, match="no metric 'accuracy'"):
        summarise(twin, store)


def test_a_reading_has_results_if_some_claim_has_a_run_of_each_cell(table, tiny, tmp_path):
    experiments = (tiny(), tiny(penalties=()))
    cells = tuple(replace(cell, experiment=each) for cell, each in zip(table.cells, experiments, strict=True))
    claim = Claim("c", "A statement.", "s", (beats(("sparse", "A"), over=("lottery", "A")),))
    read = replace(table, cells=cells, claims=(claim,))
    store = Store(tmp_path)
    for number, experiment in enumerate(experiments):
        store.put(result_of(experiment, 0, {"sparse": 1.0, "lottery": 2.0}))
        assert summarise(read, store).readings == {"paper/table": number == 1}
