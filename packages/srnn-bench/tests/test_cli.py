"""The command line, as a user types it."""

import csv
import json
import sys

import pytest
import torch
from safetensors.torch import load_file

from srnn_bench import PACKAGES, Store
from srnn_bench.cli import main, parse_seeds


@pytest.fixture
def srnn(monkeypatch, capsys, tmp_path):
    """Give a function that runs the command in an empty folder: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["srnn", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        printed = capsys.readouterr()
        return left.value.code or 0, printed.out, printed.err

    return call


def test_run_makes_a_table_then_reuses_it_then_reports_it(srnn, tmp_path):
    code, out, err = srnn("run", "moduli/table1", "--scale", "smoke", "--jobs", "1", "--device", "cpu")
    assert (code, err) == (0, "")
    assert "24 made, 0 reused" in out and "24 done" in out
    assert srnn("run", "moduli/table1", "--scale", "smoke", "--jobs", "1", "--device", "cpu")[1].count("reused") == 1
    code, out, err = srnn("report")
    assert (code, err) == (0, "")
    assert "12.49 ± 2.03 (5)" in out and "Decoding floor" in out and "recurrence.weight_hh" in out
    assert (tmp_path / "results" / "report.html").exists()
    code, out, _ = srnn("list")
    assert "smoke 24/24" in out and "results.sqlite: 24 done" in out and "path_integration" in out


def test_run_takes_an_experiment_file(srnn, tmp_path, tiny):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    code, out, _ = srnn("run", "mine.json", "--seeds", "0,4-5", "--jobs", "1", "--device", "cpu", "--results", "out")
    assert code == 0
    assert sorted(result.seed for result in Store(tmp_path / "out")) == [0, 4, 5]
    assert "mine, seed 4: done" in out


def test_report_writes_markdown_and_figures_where_asked(srnn, tmp_path):
    srnn("run", "moduli/table1", "--scale", "smoke", "--seeds", "0", "--jobs", "1", "--device", "cpu")
    code, _, err = srnn("report", "moduli/table1", "--format", "md", "--output", "docs/table.md", "--scale", "smoke")
    assert (code, err) == (0, "")
    assert "12.49 ± 2.03 (5)" in (tmp_path / "docs" / "table.md").read_text()
    assert {path.suffix for path in (tmp_path / "docs" / "figures").iterdir()} == {".svg", ".png"}


def test_claims_are_listed_as_text_and_as_json(srnn):
    srnn("run", "moduli/table1", "--scale", "smoke", "--jobs", "1", "--device", "cpu")
    code, out, err = srnn("claims")
    assert (code, err) == (0, "") and "0 supported, 0 contradicted" in out
    rows = json.loads(srnn("claims", "--json")[1])
    assert {row["scale"] for row in rows} == {"smoke", "quick", "paper"}
    assert {row["verdict"] for row in rows} == {"undecided"}
    (smoke,) = (json.loads(srnn("claims", "moduli/table1", "--scale", "smoke", "--json")[1])[:1],)
    assert smoke[0]["table"] == "moduli/table1" and "smoke" in smoke[0]["reason"]


def test_export_writes_a_flat_table(srnn, tmp_path, tiny):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    srnn("run", "mine.json", "--seeds", "0-1", "--device", "cpu", "--jobs", "1")
    assert srnn("export", "flat.csv")[0] == 0
    with (tmp_path / "flat.csv").open() as file:
        rows = list(csv.DictReader(file))
    store = Store(tmp_path / "results")
    told = {(result.key, stage.name): stage.metrics["mse"] for result in store for stage in result.stages}
    assert {(row["key"], row["stage"]): float(row["metric.mse"]) for row in rows} == told
    assert srnn("export", "epochs.parquet", "--history")[0] == 0


def test_a_set_field_makes_another_run(srnn, tmp_path, tiny):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    arguments = ("run", "mine.json", "--device", "cpu", "--jobs", "1")
    assert srnn(*arguments)[0] == 0
    assert srnn(*arguments, "--set", "model.recurrence.hidden=5", "--set", "stages.1.start=rewind")[0] == 0
    made = list(Store(tmp_path / "results"))
    assert sorted(result.experiment.model.recurrence.hidden for result in made) == [5, 6]
    code, _, err = srnn(*arguments, "--set", "model.hidden=5")
    assert code == 2 and "did you mean 'model.recurrence.hidden'" in err


def test_a_dry_run_makes_nothing(srnn, tmp_path):
    code, out, err = srnn("run", "moduli/table1", "--scale", "smoke", "--dry-run", "--device", "cpu")
    assert (code, err) == (0, "")
    assert "To be made: 24 runs" in out and "FLOPs" in out
    assert not (tmp_path / "results").exists()


def test_weights_are_kept_when_asked(srnn, tmp_path, tiny):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    assert srnn("run", "mine.json", "--device", "cpu", "--save-weights")[0] == 0
    folder = tmp_path / "results" / "weights" / tiny().key(0)
    weights = load_file(folder / "sparse.safetensors")
    assert weights["recurrence.weight_hh"].shape == (6, 6)
    mask = weights["recurrence.weight_hh_mask"]
    assert mask.dtype == torch.bool and not weights["recurrence.weight_hh"][~mask].any()
    assert sorted(path.name for path in folder.iterdir()) == ["lottery.safetensors", "sparse.safetensors"]


def test_a_tracker_of_ones_own_is_told(srnn, tmp_path, tiny, monkeypatch):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    (tmp_path / "my_tracker.py").write_text(TRACKER)
    monkeypatch.syspath_prepend(tmp_path)
    assert srnn("run", "mine.json", "--device", "cpu", "--track", "my_tracker:Mine")[0] == 0
    assert (tmp_path / "told.txt").read_text().split() == ["begun", *["epoch"] * 6, "ended", "close"]


TRACKER = """
from srnn_bench import Watcher

class Mine(Watcher):
    def __init__(self):
        self.told = []
    def begun(self, job): self.told.append("begun")
    def epoch(self, *step): self.told.append("epoch")
    def ended(self, job, result): self.told.append("ended")
    def close(self):
        with open("told.txt", "w") as file:
            file.write(" ".join([*self.told, "close"]))
"""


def test_stacked_seeds_say_so(srnn, tmp_path, tiny):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    assert srnn("run", "mine.json", "--seeds", "0-3", "--device", "cpu", "--stack", "always", "--jobs", "1")[0] == 0
    assert [result.environment.stacked for result in Store(tmp_path / "results")] == [4] * 4


def test_schema_prints_the_values_of_a_package(srnn):
    code, out, _ = srnn("schema", "srnn-bench")
    assert code == 0
    assert json.loads(out)["schemas"]["Stage"]["properties"]["start"]["enum"] == ["continue", "reinitialize", "rewind"]
    assert [found["package"] for found in json.loads(srnn("schema")[1])] == list(PACKAGES)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "moduli/tabel1"), "did you mean 'moduli/table1'?"),
        (("run", "moduli/table1", "--scale", "huge"), "scale: expected one of smoke, quick, paper, got 'huge'"),
        (("run", "moduli/table1", "--seeds", "a-b"), "seeds: expected numbers and ranges"),
        (("run", "moduli/table1", "--device", "tpu"), "device: expected auto, cpu or cuda"),
        (
            ("run", "moduli/table1", "--precision", "fp8"),
            "precision: expected one of float32, tf32, bfloat16, got 'fp8'",
        ),
        (("run", "nowhere.json"), "nowhere.json: expected the JSON file of an experiment, got: No such file"),
        (("run", "folder.json"), "folder.json: expected the JSON file of an experiment, got: Is a directory"),
        (("run", "binary.json"), "binary.json: "),
        (
            ("run", "moduli/table1", "--results", "binary.json"),
            "results: expected a folder that can be made, got binary",
        ),
        (("report",), "results: no such folder"),
        (("claims",), "results: no such folder"),
        (("export", "flat.csv"), "results: no such folder"),
        (("run", "moduli/table1", "--gpus-per-run", "0.5"), "belong to --executor ray"),
        (("run", "moduli/table1", "--track", "tensorbord"), "tensorboard"),
        (("run", "moduli/table1", "--set", "model.recurrence.hidden"), "model.recurrence.hidden"),
        (("schema", "srnn-mask"), "package: expected one of srnn-manifolds"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_line_and_no_traceback(srnn, tmp_path, arguments, said):
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    (tmp_path / "folder.json").mkdir()
    code, _, err = srnn(*arguments)
    assert code == 2
    assert err.startswith("srnn: ") and said in err and "Traceback" not in err


def test_a_mistake_in_an_experiment_file_names_the_field(srnn, tmp_path, tiny):
    data = json.loads(tiny().model_dump_json())
    data["stages"][0]["training"]["epochs"] = 0
    (tmp_path / "mine.json").write_text(json.dumps(data))
    code, _, err = srnn("run", "mine.json")
    assert code == 2 and "stages.0.training.epochs" in err


def test_a_failed_run_is_told_by_the_exit_code(srnn, tmp_path, tiny):
    data = json.loads(tiny().model_dump_json())
    data["penalties"][0]["parameter"] = "nix"
    (tmp_path / "mine.json").write_text(json.dumps(data))
    code, out, _ = srnn("run", "mine.json", "--device", "cpu")
    assert code == 1 and "failed: ValueError: penalties.0.parameter: 'nix'" in out


@pytest.mark.parametrize(("text", "seeds"), [("3", (3,)), ("0-2", (0, 1, 2)), ("0,3,5-6", (0, 3, 5, 6)), ("1,1", (1,))])
def test_seeds_are_numbers_and_ranges(text, seeds):
    assert parse_seeds(text) == seeds
