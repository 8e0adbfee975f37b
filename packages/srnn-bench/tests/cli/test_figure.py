"""`srnn figure`: names, needs, and mistakes."""

import shutil

import pytest

from srnn_bench import Conditions, Job, Store, Watcher, papers, sweep


def test_names_are_listed_with_the_runs_that_they_need(srnn, tmp_path):
    code, out, err = srnn("figure")
    assert (code, err) == (0, "")
    for name in papers.figures():
        assert name in out
    without = [name for name in papers.figures() if not papers.figure(name).needs]
    assert "srnn run moduli/table3 --scale quick --save-weights" in out
    assert len(without) > 1 and out.count("needs no runs") == len(without)
    assert "Figure 2: maps of three inhibitor functions" in out
    assert list(tmp_path.iterdir()) == [], "listing creates no folder"


def test_a_figure_without_runs_creates_no_store(srnn, tmp_path):
    code, out, err = srnn("figure", "modcog/components", "--scale", "smoke", "--out", "here")
    assert (code, err) == (0, "")
    assert out.split() == ["here/modcog-components-smoke.md"]
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("moduli/figure9",), "did you mean 'moduli/figure"),
        (("moduli/figure2", "--scale", "huge"), "scale: expected one of smoke, quick, paper, got 'huge'"),
        (("moduli/figure3",), "results: no results; produce some first"),
        (("moduli/figure3", "--results", "empty"), "Run `srnn run moduli/table2 --scale quick --save-weights` first"),
        (("moduli/figure4", "--results", "empty"), "Run `srnn run moduli/table3 --scale quick --save-weights` first"),
        (("moduli/graph", "--results", "empty"), "Run `srnn run moduli/table1 moduli/table2 --scale quick"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_line(srnn, tmp_path, arguments, message):
    Store(tmp_path / "empty")
    code, _, err = srnn("figure", *arguments)
    assert code == 2 and err.startswith("srnn: ") and message in err and "Traceback" not in err


def test_runs_without_weights_count_as_missing(srnn, tmp_path):
    table = papers.table("moduli/table2", "smoke")
    (cell,) = (cell for cell in table.cells if (cell.row, cell.column) == ("Baseline", "Circle"))
    job = Job(cell.experiment, 0, "baseline")
    store = Store(tmp_path / "results")
    sweep([job], store, keep_weights=True, conditions=Conditions(device="cpu"), watcher=Watcher())
    shutil.rmtree(tmp_path / "results" / "weights")
    code, _, err = srnn("figure", "moduli/figure3", "--scale", "smoke")
    assert code == 2 and "Baseline, Circle: expected runs with weights in results, got none. Run `srnn run" in err
