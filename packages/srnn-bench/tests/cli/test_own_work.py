"""Work of one's own on the command line: grids, the report of one's own experiments, and columns to group by."""

import csv

import pytest

from srnn_bench import Store, override

FAST = ("--device", "cpu", "--jobs", "1")
HIDDEN = "model.recurrence.hidden"


@pytest.fixture
def mine(tmp_path, tiny):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    return tiny()


def test_a_report_shows_the_experiments_that_were_run_and_nothing_else(srnn, tmp_path, mine):
    (tmp_path / "other.json").write_text(override(mine, [f"{HIDDEN}=16"]).model_dump_json())
    assert srnn("run", "mine.json", "other.json", "--seeds", "0-2", *FAST)[0] == 0
    code, out, _ = srnn("report")
    assert code == 0 and "2 experiments; written to results/report.html" in out
    assert "Experiments of your own: adding" in out and "Comparison, each experiment with every other" in out
    assert "moduli" not in out
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 1 and "srnn run other.json --seeds 0,1,2" in page
    code, out, _ = srnn("report", "mine", "--format", "md")
    assert code == 0 and "1 experiment; written to results/report.md" in out
    code, _, err = srnn("report", "nothing")
    assert code == 2 and "(mine, other), got 'nothing'" in err


def test_each_point_of_a_grid_is_a_run_with_its_label(srnn, tmp_path, mine):
    rates = "stages.0.training.learning_rate"
    grid = ("--grid", f"{HIDDEN}=5,7", "--grid", f"{rates}=[1e-3, 1e-2]")
    code, out, _ = srnn("run", "mine.json", *grid, "--set", "stages.1.training.epochs=1", "--seeds", "4", *FAST)
    assert code == 0 and "4 done" in out
    assert "mine, stages.1.training.epochs=1, hidden=7, learning_rate=0.01, seed 4: done" in out
    store = Store(tmp_path / "results")
    changed = {
        (result.experiment.model.recurrence.hidden, result.experiment.stages[0].training.learning_rate)
        for result in store
    }
    assert changed == {(hidden, rate) for hidden in (5, 7) for rate in (1e-3, 1e-2)}
    assert [request.grid for request in store.requests()] == [
        {HIDDEN: hidden, rates: rate} for hidden in (5, 7) for rate in (1e-3, 1e-2)
    ]
    assert (
        srnn("run", "mine.json", *grid, "--set", "stages.1.training.epochs=1", "--seeds", "4", *FAST)[1].count(
            "0 executed, 4 reused"
        )
        == 1
    )
    assert "4 experiments" in srnn("report", "--format", "md")[1]
    assert srnn("export", "flat.csv")[0] == 0
    with (tmp_path / "flat.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = {(row["label"], row["stage"], row[f"grid.{HIDDEN}"], row[f"grid.{rates}"]) for row in rows}
    assert len(rows) == len(found) == 8
    assert ("mine, stages.1.training.epochs=1, hidden=5, learning_rate=0.001", "lottery", "5", "0.001") in found


def test_a_grid_changes_a_table(srnn, tmp_path):
    arguments = ("run", "moduli/adding", "--scale", "smoke", "--seeds", "0", "--grid", f"{HIDDEN}=8,12", *FAST)
    assert srnn(*arguments)[0] == 0
    code, out, _ = srnn("report", "--format", "md")
    assert code == 0 and "2 tables; written to" in out
    assert f"[set: {HIDDEN}=8]" in out and f"[set: {HIDDEN}=12]" in out
    assert srnn("export", "flat.csv")[0] == 0
    with (tmp_path / "flat.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["table"] for row in rows} == {"moduli/adding"}
    assert {row[f"grid.{HIDDEN}"] for row in rows} == {row[f"experiment.{HIDDEN}"] for row in rows} == {"8", "12"}
    rows = [row for row in rows if row["row"]]  # the others are stages that no cell shows
    places = {
        (row["table"], row["scale"], row["row"], row["column"], row["stage"], row[f"grid.{HIDDEN}"]) for row in rows
    }
    assert len(places) == len(rows) > 0


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ("model.hidden=5,6", "grid: unknown path 'model.hidden'; did you mean 'model.recurrence.hidden'?"),
        (f"{HIDDEN}=5,six", "grid: model.recurrence.hidden: "),
        (f"{HIDDEN}=5,true", "grid: model.recurrence.hidden: expected a number, got "),
        (f"{HIDDEN}=[[5, 6]]", "grid: model.recurrence.hidden: "),
        (f"{HIDDEN}=5,5.0", "grid: hidden=5 and hidden=5.0 give the same experiments of mine.json"),
        (f"{HIDDEN}=5,", "grid: model.recurrence.hidden: expected a value before and after each comma"),
    ],
)
def test_a_mistake_in_a_grid_ends_before_anything_runs(srnn, tmp_path, mine, grid, message):
    code, out, err = srnn("run", "mine.json", "--grid", grid, *FAST)
    assert code == 2 and message in err
    assert "done" not in out and not (tmp_path / "results").exists()
