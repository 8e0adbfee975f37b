"""The command line, as a user types it: `run`, `report`, `claims`, `export`, `schema`."""

import csv
import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from srnn_bench import PACKAGES, Store
from srnn_bench.cli import parse_seeds


def test_run_executes_a_table_then_reuses_it_and_report_shows_it(srnn, tmp_path):
    code, out, err = srnn("run", "moduli/table1", "--scale", "smoke", "--jobs", "1", "--device", "cpu")
    assert (code, err) == (0, "")
    assert "24 executed, 0 reused" in out and "24 done" in out
    assert srnn("run", "moduli/table1", "--scale", "smoke", "--jobs", "1", "--device", "cpu")[1].count("reused") == 1
    code, out, err = srnn("report")
    assert code == 0
    assert err.splitlines() == [
        f"reading 24 runs from {Path('results') / 'results.sqlite'}",
        "moduli/table1, scale smoke: judging 24 runs",
        "moduli/table1, scale smoke: drawing figures",
        "moduli/table1, scale smoke: drew 4 figures",
    ]
    assert "12.49 ± 2.03 (5)" in out and "Decoding floor" in out and "recurrence.weight_hh" in out
    assert "These numbers are noise" in out and "1 table; written to" in out
    assert out.count("scale smoke]") == 1, "only the table that was run"
    assert [path.name for path in (tmp_path / "results").glob("*") if "sqlite" not in path.name] == ["report.html"]


def test_run_executes_an_experiment_file(srnn, tmp_path, tiny):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    code, out, _ = srnn("run", "mine.json", "--seeds", "0,4-5", "--jobs", "1", "--device", "cpu", "--results", "out")
    assert code == 0
    assert sorted(result.seed for result in Store(tmp_path / "out")) == [0, 4, 5]
    assert "mine, seed 4: done" in out


def test_report_writes_markdown_and_figures_to_the_requested_folder(srnn, tmp_path):
    srnn("run", "moduli/table1", "--scale", "smoke", "--seeds", "0", "--jobs", "1", "--device", "cpu")
    asked = ("moduli/table1", "--format", "md", "--output", "docs/table.md", "--scale", "smoke", "--figures")
    assert srnn("report", *asked)[0] == 0
    assert "12.49 ± 2.03 (5)" in (tmp_path / "docs" / "table.md").read_text()
    assert {path.suffix for path in (tmp_path / "docs" / "figures").iterdir()} == {".svg", ".png"}


def test_claims_prints_text_or_json(srnn):
    srnn("run", "moduli/table1", "--scale", "smoke", "--jobs", "1", "--device", "cpu")
    code, out, err = srnn("claims")
    assert (code, err) == (0, "") and re.search(r"\n\d+ undecided\n$", out)
    assert "These numbers are noise" in out and "Exploratory" not in out
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
    stored = {(result.key, stage.name): stage.metrics["mse"] for result in store for stage in result.stages}
    assert {(row["key"], row["stage"]): float(row["metric.mse"]) for row in rows} == stored
    assert srnn("export", "epochs.parquet", "--history")[0] == 0


def test_set_gives_another_run(srnn, tmp_path, tiny):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    arguments = ("run", "mine.json", "--device", "cpu", "--jobs", "1")
    assert srnn(*arguments)[0] == 0
    assert srnn(*arguments, "--set", "model.recurrence.hidden=5", "--set", "stages.1.start=rewind")[0] == 0
    stored = list(Store(tmp_path / "results"))
    assert sorted(result.experiment.model.recurrence.hidden for result in stored) == [5, 6]
    code, _, err = srnn(*arguments, "--set", "model.hidden=5")
    assert code == 2 and "did you mean 'model.recurrence.hidden'" in err


def test_a_dry_run_executes_nothing(srnn, tmp_path):
    code, out, err = srnn("run", "moduli/table1", "--scale", "smoke", "--dry-run", "--device", "cpu")
    assert (code, err) == (0, "")
    assert "Missing: 24 runs" in out and "FLOPs" in out
    assert not (tmp_path / "results").exists()


def test_save_weights_keeps_weights_and_masks(srnn, tmp_path, tiny):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    assert srnn("run", "mine.json", "--device", "cpu", "--save-weights")[0] == 0
    folder = tmp_path / "results" / "weights" / tiny().key(0)
    weights = load_file(folder / "sparse.safetensors")
    assert weights["recurrence.weight_hh"].shape == (6, 6)
    mask = weights["recurrence.weight_hh_mask"]
    assert mask.dtype == torch.bool and not weights["recurrence.weight_hh"][~mask].any()
    assert sorted(path.name for path in folder.iterdir()) == ["lottery.safetensors", "sparse.safetensors"]


def test_a_tracker_of_the_user_follows_the_runs(srnn, tmp_path, tiny, monkeypatch):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    (tmp_path / "my_tracker.py").write_text(TRACKER)
    monkeypatch.syspath_prepend(tmp_path)
    assert srnn("run", "mine.json", "--device", "cpu", "--track", "my_tracker:Mine")[0] == 0
    assert (tmp_path / "calls.txt").read_text().split() == ["begun", *["epoch"] * 6, "ended", "close"]


TRACKER = """
from srnn_bench import Watcher

class Mine(Watcher):
    def __init__(self):
        self.calls = []
    def begun(self, job): self.calls.append("begun")
    def epoch(self, *step): self.calls.append("epoch")
    def ended(self, job, result): self.calls.append("ended")
    def close(self):
        with open("calls.txt", "w") as file:
            file.write(" ".join([*self.calls, "close"]))
"""


def test_stack_trains_the_seeds_of_an_experiment_together(srnn, tmp_path, tiny):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    assert srnn("run", "mine.json", "--seeds", "0-3", "--device", "cpu", "--stack", "always", "--jobs", "1")[0] == 0
    assert [result.environment.stacked for result in Store(tmp_path / "results")] == [4] * 4


def test_schema_prints_the_values_of_one_package_or_all(srnn):
    code, out, _ = srnn("schema", "srnn-bench")
    assert code == 0
    assert json.loads(out)["schemas"]["Stage"]["properties"]["start"]["enum"] == ["continue", "reinitialize", "rewind"]
    assert [each["package"] for each in json.loads(srnn("schema")[1])] == list(PACKAGES)


@pytest.mark.parametrize(("text", "seeds"), [("3", (3,)), ("0-2", (0, 1, 2)), ("0,3,5-6", (0, 3, 5, 6)), ("1,1", (1,))])
def test_seeds_are_numbers_and_ranges(text, seeds):
    assert parse_seeds(text) == seeds
