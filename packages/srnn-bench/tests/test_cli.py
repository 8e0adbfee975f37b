"""The command line, as a user types it."""

import json
import sys

import pytest

from srnn_bench import PACKAGES, Store
from srnn_bench._cli import main, parse_seeds


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
    assert "16 made, 0 reused" in out and "16 done" in out
    assert srnn("run", "moduli/table1", "--scale", "smoke", "--jobs", "1", "--device", "cpu")[1].count("reused") == 1
    code, out, err = srnn("report")
    assert (code, err) == (0, "")
    assert "12.49 ± 2.03 (5)" in out and "Decoding floor" in out and "recurrence.weight_hh" in out
    assert (tmp_path / "results" / "report.html").exists()
    code, out, _ = srnn("list")
    assert "smoke 16/16" in out and "path_integration" in out


def test_run_takes_an_experiment_file(srnn, tmp_path, tiny):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    code, out, _ = srnn("run", "mine.json", "--seeds", "0,4-5", "--jobs", "1", "--device", "cpu", "--results", "out")
    assert code == 0
    assert sorted(result.seed for result in Store(tmp_path / "out")) == [0, 4, 5]
    assert "mine, seed 4: done" in out


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
