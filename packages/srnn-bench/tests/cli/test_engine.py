"""`srnn run --engine`: the report and the export show it, and a cell that it cannot run is refused at once."""

import csv

from srnn_bench import Masked, Store
from srnn_masks import Bernoulli
from srnn_models import PeepholeLSTM, SequenceModel

OPTIONS = ("--device", "cpu", "--jobs", "1")


def test_a_run_by_an_engine_is_shown_with_it(srnn, tmp_path, tiny):
    mask = (Masked(parameter="*weight_hh*", pattern=Bernoulli(density=0.3)),)
    (tmp_path / "mine.json").write_text(tiny(masks=mask).model_dump_json())
    code, out, _ = srnn("run", "mine.json", "--seeds", "0-3", "--engine", "sparse", *OPTIONS)
    assert code == 0 and "by the loop on this CPU" in out
    assert {result.environment.engine for result in Store(tmp_path / "results")} == {"sparse"}
    _, out, _ = srnn("report")
    assert "4 runs by the engine sparse; those that ran: sparse" in out
    assert "engine sparse" in (tmp_path / "results" / "report.html").read_text()
    srnn("export", "results.csv")
    with (tmp_path / "results.csv").open(newline="") as file:
        assert {(row["environment.engine"], row["engines"]) for row in csv.DictReader(file)} == {("sparse", "sparse")}
    _, out, _ = srnn("run", "mine.json", "--seeds", "0", *OPTIONS)
    assert "produced under different conditions (engine sparse, now loop)" in out


def test_an_engine_that_cannot_run_a_cell_is_one_message_before_the_first_run(srnn, tmp_path, tiny):
    peephole = tiny(model=SequenceModel(recurrence=PeepholeLSTM(hidden=6)), penalties=())
    (tmp_path / "mine.json").write_text(peephole.model_dump_json())
    for more in ((), ("--dry-run",)):
        code, _, err = srnn("run", "mine.json", "--engine", "sparse", *OPTIONS, *more)
        assert code == 2 and err.count("\n") == 1
        assert "expected a cell with its own backward pass" in err and "nothing was run" in err
    code, out, _ = srnn("run", "mine.json", "--engine", "auto", "--dry-run", *OPTIONS)
    assert code == 0 and "Missing: 1 run" in out


def test_an_unknown_engine_is_refused(srnn):
    code, _, err = srnn("run", "moduli/table1", "--scale", "smoke", "--engine", "fast")
    assert code == 2 and "engine: expected one of loop, auto, dense, sparse, got 'fast'" in err
