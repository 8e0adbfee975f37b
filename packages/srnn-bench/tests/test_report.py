"""Summaries and reports: the arithmetic, what is missing, and that nothing is hidden."""

import io
import re
import statistics

import pytest
from rich.console import Console

from srnn_bench import Cell, Conditions, Published, Result, Store, Table, print_report, summarise, write_html
from srnn_bench._environment import describe, resolve_device
from srnn_bench._report import ours, theirs


def result_of(experiment, seed, values, *, status="done", reason=None, packages=None) -> Result:
    """Return a result with the given metric of each stage."""
    environment = describe("adding", resolve_device("cpu"), "float32", 1)
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
                    "history": [],
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
        title="A title & more",
        source="A paper, Table 0",
        metric="Error",
        unit="units",
        better="lower",
        seeds=(0, 1, 2),
        cells=(
            Cell("sparse", "A", experiment, "sparse", "mse", Published(1.5, 0.25, 5)),
            Cell("lottery", "A", experiment, "lottery", "mse"),
        ),
        remarks=lambda summary: [f"a remark on {summary.done} runs"],
    )


@pytest.fixture
def store(tmp_path, table) -> Store:
    experiment = table.cells[0].experiment
    store = Store(tmp_path)
    store.put(result_of(experiment, 0, {"sparse": 1.0, "lottery": 2.0}))
    store.put(result_of(experiment, 1, {"sparse": 3.0}, status="diverged", reason="loss is nan <here>"))
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
    assert [result.seed for result in lottery.without_value("diverged")] == [1]
    assert sparse.densities == {"w": 0.25}
    assert sparse.step_ms == pytest.approx((2 + 3 + 9) / 3)


def test_a_table_counts_its_runs(table, store):
    summary = summarise(table, store)
    assert (summary.done, summary.wanted) == (3, 4)
    assert list(summary.stale.values()) == ["srnn-masks 0.0.1, now 0.1.0"]


def test_cells_say_what_is_missing(table, store):
    cells = summarise(table, store).cells
    assert ours(cells["sparse", "A"]) == "4.00 ± 3.61 (3), 1 not run"
    assert ours(cells["lottery", "A"]) == "3.50 ± 2.12 (2), 1 diverged, 1 not run"
    assert theirs(Published(1.5, 0.25, 5)) == "1.50 ± 0.25 (5)"
    assert theirs(Published(1.5)) == "1.50"
    assert ours(None) == theirs(None) == ""


def test_one_value_has_no_spread(table, tmp_path):
    store = Store(tmp_path / "one")
    store.put(result_of(table.cells[0].experiment, 0, {"sparse": 1.0}, status="diverged", reason="x"))
    assert ours(summarise(table, store).cells["sparse", "A"]) == "1.00 (1), 2 not run"


EXPECTED = [
    "A title & more",
    "4.00 ± 3.61 (3), 1 not run",
    "1.50 ± 0.25 (5)",
    "a remark on 3 runs",
    "1 diverged: loss is nan <here>",
    "1 stale, made by other packages (srnn-masks 0.0.1, now 0.1.0)",
    "25.00 %",
    "3 of 4 runs ended",
]


def test_the_terminal_shows_everything(table, store):
    console = Console(width=200, record=True, file=io.StringIO())
    print_report([summarise(table, store)], console)
    text = console.export_text()
    for expected in EXPECTED:
        assert expected in text


def test_the_page_shows_everything_and_needs_nothing_beside_it(table, store, tmp_path):
    page = write_html([summarise(table, store)], tmp_path / "report.html").read_text()
    for expected in EXPECTED:
        assert expected.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in page
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert "<script" not in page and "@import" not in page and "url(" not in page
    assert "srnn-masks 0.0.1" in page


def test_an_empty_report_says_what_to_do(tmp_path):
    assert "holds no result" in write_html([], tmp_path / "report.html").read_text()


def test_a_table_asks_for_each_experiment_once_a_seed(table):
    assert [(job.seed, job.experiment) for job in table.jobs()] == [
        (seed, table.cells[0].experiment) for seed in (0, 1, 2)
    ]
    assert [job.seed for job in table.jobs([9])] == [9]
    assert Conditions("cpu").on_gpu is False
