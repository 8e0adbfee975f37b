"""What a report shows of a store: requested tables and experiments, those of older stores, and those named."""

import sqlite3
from contextlib import closing

import pytest

from srnn_bench import BenchError, Conditions, Job, Result, StageResult, Store, override, override_table, papers
from srnn_bench.experiment import RequestedExperiment, RequestedTable
from srnn_bench.papers import select
from srnn_bench.store import PublishedRuns
from srnn_bench.tables import publish
from srnn_bench.training import describe

ENVIRONMENT = describe("adding", Conditions("cpu"))
FIELD = "model.recurrence.hidden"


def result_of(job: Job, metrics: tuple[str, ...]) -> Result:
    """Return a finished run with these metrics in every stage."""
    stages = [
        StageResult(
            name=stage.name,
            metrics=dict.fromkeys(metrics, 1.0 + job.seed),
            densities={},
            history=(),
            steps=1,
            step_ms=1.0,
            peak_memory_mb=None,
        )
        for stage in job.experiment.stages
    ]
    return Result(
        key=job.key,
        experiment=job.experiment,
        seed=job.seed,
        status="done",
        stages=stages,
        environment=ENVIRONMENT,
        seconds=1.0,
    )


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path)


def fill(store, jobs, metrics=("mse",)):
    for job in jobs:
        store.put(result_of(job, metrics), label=job.label)


def fill_table(store, name, scale="smoke", settings=(), seeds=None):
    table = override_table(papers.table(name, scale), settings)
    metrics = tuple(dict.fromkeys(cell.metric for cell in table.cells if isinstance(cell.metric, str)))
    fill(store, table.jobs(seeds), metrics)
    return table


def request(name, scale="smoke", settings=(), grid=None):
    return RequestedTable(name=name, scale=scale, seeds=(0,), settings=settings, grid=grid or {})


def own_request(name, experiment, *, seeds=(0,), grid=None):
    return RequestedExperiment(name=name, seeds=seeds, grid=grid or {}, experiment=experiment)


def tables_of(selection):
    return [(summary.table.name, summary.table.scale, summary.table.settings) for summary in selection.summaries]


def test_only_requested_tables_are_shown_though_others_are_complete(store):
    fill_table(store, "moduli/table1")
    adding = papers.table("moduli/adding", "smoke")
    fill(store, [Job(job.experiment, job.seed, "") for job in adding.jobs()])
    assert {name for name, *_ in tables_of(select(store))} >= {"moduli/table1", "moduli/adding"}
    store.add_requests([request("moduli/table1")])
    selection = select(store)
    assert tables_of(selection) == [("moduli/table1", "smoke", ())]
    assert selection.notes == ()
    assert tables_of(select(store, scale="quick")) == []


def test_a_store_without_requests_shows_the_tables_that_are_complete(store):
    table = fill_table(store, "moduli/adding")
    assert ("moduli/adding", "smoke", ()) in tables_of(select(store))
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("DELETE FROM runs WHERE key = ?", (table.jobs()[0].key,))
        connection.commit()
    assert tables_of(select(store)) == []
    assert tables_of(select(store, ["moduli/adding"])) == [("moduli/adding", "smoke", ())]


def test_a_complete_table_that_labels_runs_is_shown_beside_requested_ones(store):
    fill_table(store, "moduli/adding")
    fill_table(store, "moduli/table1", seeds=(0,))
    store.add_requests([request("moduli/table1")])
    assert tables_of(select(store)) == [("moduli/table1", "smoke", ()), ("moduli/adding", "smoke", ())]


def test_of_published_runs_other_tables_are_shown_only_if_they_can_be_read(store, tmp_path):
    publish(fill_table(store, "modcog/table1"), store, tmp_path / "runs")
    published = PublishedRuns(tmp_path / "runs")
    assert {job.key for job in papers.table("modcog/figure6", "smoke").jobs()} == set(published.keys())
    selection = select(published)
    assert (tables_of(selection), selection.notes) == ([("modcog/table1", "smoke", ())], ()), "no learning curves"
    assert tables_of(select(published, scale="quick")) == []


def test_a_table_is_shown_with_the_settings_and_the_grid_of_its_requests(store):
    points = [request("moduli/adding", grid={FIELD: size}, settings=("stages.0.training.epochs=2",)) for size in (5, 7)]
    for point in points:
        fill_table(store, "moduli/adding", settings=point.all_settings)
    store.add_requests(points)
    shown = [("moduli/adding", "smoke", ("stages.0.training.epochs=2", f"{FIELD}={size}")) for size in (5, 7)]
    assert tables_of(select(store)) == shown
    assert tables_of(select(store, ["moduli/adding"])) == shown, "the plain table has no results"
    assert [selected.grid for selected in select(store).tables] == [{FIELD: 5}, {FIELD: 7}]
    assert tables_of(select(store, settings=["stages.0.training.epochs=3"])) == []
    assert tables_of(select(store, settings=["stages.0.training.epochs=2", f"{FIELD}=5"])) == shown[:1]


def test_what_no_longer_exists_is_a_note(store):
    fill_table(store, "moduli/adding")
    store.add_requests([request("moduli/gone"), request("moduli/adding")])
    selection = select(store)
    assert tables_of(selection) == [("moduli/adding", "smoke", ())]
    (note,) = selection.notes
    assert note.startswith("moduli/gone at scale smoke cannot be shown: ")


def test_results_that_a_table_cannot_read_are_a_note_unless_it_is_named(store):
    fill(store, papers.table("moduli/adding", "smoke").jobs(), ("another_metric",))
    store.add_requests([request("moduli/adding")])
    (note,) = select(store).notes
    assert "moduli/adding at scale smoke cannot be shown: " in note and "another_metric" in note
    with pytest.raises(BenchError, match="another_metric"):
        select(store, ["moduli/adding"])


def test_requested_experiments_have_the_names_of_their_files_and_points(store, tiny):
    points = [override(tiny(), [f"{FIELD}={size}"]) for size in (5, 7)]
    store.add_requests([own_request("a", tiny(), seeds=(0, 1))])
    store.add_requests([own_request("b", each, grid={FIELD: size}) for each, size in zip(points, (5, 7), strict=True)])
    fill(store, [Job(each, seed, "") for each in (tiny(), *points) for seed in (0, 3)])
    own = select(store).own
    assert [each.name for each in own] == ["a", "b, hidden=5", "b, hidden=7"]
    assert [each.grid for each in own] == [{}, {FIELD: 5}, {FIELD: 7}]
    seeds = {seed: result is not None for seed, result in own[0].results.items()}
    assert seeds == {0: True, 1: False, 3: True}, "the requested seeds, then others of the store"
    assert own[0].command == "srnn run a.json --seeds 0,1"
    assert own[1].command == f"srnn run b.json --set {FIELD}=5 --seeds 0"
    assert own[0].metrics == {"sparse": ("mse",), "lottery": ("mse",)}
    assert own[0].cell("lottery", "mse").values == {0: 1.0, 3: 4.0}
    assert [each.name for each in select(store, ["b"]).own] == ["b, hidden=5", "b, hidden=7"]
    assert [each.name for each in select(store, ["some/a.json", "b, hidden=7"]).own] == ["a", "b, hidden=7"]
    with pytest.raises(BenchError, match=r"an experiment of the store \(a, b, hidden=5, b, hidden=7\), got 'c'"):
        select(store, ["c"])


def test_a_file_that_was_edited_gives_names_with_what_differs(store, tiny):
    two = [tiny(), override(tiny(), [f"{FIELD}=9"])]
    store.add_requests([own_request("a", each) for each in two])
    fill(store, [Job(each, 0, "") for each in two])
    assert [each.name for each in select(store).own] == ["a, hidden=6", "a, hidden=9"]
    settings = [f"stages.0.training.{name}" for name in ("epochs=7", "batches=7", "batch_size=7", "learning_rate=7")]
    other = override(tiny(), settings)
    store.add_requests([own_request("a", other)])
    fill(store, [Job(other, 0, "")])
    names = [each.name for each in select(store).own]
    assert names == [f"a, {each.key(0)[:8]}" for each in (*two, other)]


def test_runs_swept_from_python_are_experiments_named_by_their_labels(store, tiny):
    fill(store, [Job(tiny(), seed, f"mine, seed {seed}") for seed in (0, 1)])
    fill_table(store, "moduli/adding")
    selection = select(store)
    assert [(each.name, list(each.results)) for each in selection.own] == [("mine", [0, 1])]
    assert [each.command for each in selection.own] == [""]
    assert select(store, ["moduli/adding"]).own == ()
    assert select(store, scale="smoke").own == ()


def test_places_say_which_cell_shows_a_stage(store, tiny):
    point = request("moduli/adding", grid={FIELD: 5})
    table = fill_table(store, "moduli/adding", settings=point.all_settings)
    own = own_request("mine", tiny(), grid={FIELD: 6})
    store.add_requests([point, own])
    fill(store, [Job(tiny(), 0, "")])
    places = select(store).places()
    grid = {f"grid.{FIELD}": 5, "table": "moduli/adding", "scale": "smoke", "set": f"{FIELD}=5"}
    for cell in table.cells:
        for seed in table.seeds:
            assert {**grid, "row": cell.row, "column": cell.column} in places[cell.experiment.key(seed), cell.stage]
            assert places[cell.experiment.key(seed), None] == [grid]
    for stage in (None, "sparse", "lottery"):
        assert places[tiny().key(0), stage] == [{"label": "mine, hidden=6", f"grid.{FIELD}": 6}]


def test_a_store_that_is_empty_shows_nothing(store):
    assert select(store) == papers.Selection((), ())


def test_an_unknown_scale_is_refused_whether_or_not_tables_are_named(tmp_path):
    store = Store(tmp_path)
    for names in ((), ("moduli/table1",)):
        with pytest.raises(BenchError, match="scale: expected one of smoke, quick, paper, got 'paperr'"):
            select(store, names, scale="paperr")
