"""A task and a paper of a third party: listed, run and judged once installed; broken and duplicate ones do no harm."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from srnn_bench import Experiment, Store
from srnn_tasks import find
from srnn_tasks.testing import check_task

EXPERIMENT = {
    "task": {"kind": "flip_flop", "channels": 2, "steps": 12},
    "model": {"kind": "sequence", "recurrence": {"kind": "elman", "hidden": 24}},
    "masks": [{"parameter": "*weight_hh*", "pattern": {"kind": "uniform_random", "density": 0.5}}],
    "stages": [{"name": "train", "training": {"epochs": 3, "batches": 60, "batch_size": 32, "learning_rate": 0.01}}],
}

# By distribution, group and name.
DISTRIBUTIONS = {
    "absent-module": {
        "srnn.tasks": {"absent_module": "no_such_module:Task"},
        "srnn.papers": {"absent_paper": "no_such_module:PAPER"},
    },
    "wrong-class": {
        "srnn.tasks": {"wrong_class": "collections:OrderedDict"},
        "srnn.papers": {"wrong_paper": "collections:OrderedDict"},
    },
    "twin": {
        "srnn.tasks": {"flip_flop": "flip_flop_task:FlipFlop"},
        "srnn.papers": {"flip_flop": "flip_flop_paper:PAPER"},
    },
}


@pytest.fixture
def broken(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which distributions with broken and duplicate entry points are installed too."""
    for name, groups in DISTRIBUTIONS.items():
        folder = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = []
        for group, points in groups.items():
            lines += [f"[{group}]", *(f"{key} = {target}" for key, target in points.items())]
        (folder / "entry_points.txt").write_text("\n".join([*lines, ""]))
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}


def srnn(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("srnn")), *arguments]  # the installed console script
    return subprocess.run(command, capture_output=True, text=True, env=env)


def test_the_plugin_keeps_the_contract_of_tasks():
    check_task(find("flip_flop")())


def test_the_plugin_is_listed_and_trains_by_the_command_line(tmp_path):
    assert "flip-flop-task 0.1.0: ok" in srnn("list", "--results", str(tmp_path)).stdout
    file = tmp_path / "experiment.json"
    file.write_text(json.dumps(EXPERIMENT))
    run = srnn("run", str(file), "--results", str(tmp_path / "results"), "--device", "cpu")
    assert run.returncode == 0, run.stderr
    (result,) = Store(tmp_path / "results")
    assert result.status == "done"
    (stage,) = result.stages
    assert stage.metrics["memory"] > 0.8, "chance is 0.5"
    assert stage.densities == {"recurrence.weight_ih": 1.0, "recurrence.weight_hh": 0.5, "readout.weight": 1.0}
    assert result.environment.packages["flip-flop-task"] == "0.1.0"


def test_an_experiment_with_a_plugin_goes_to_json_and_back():
    experiment = Experiment.model_validate(EXPERIMENT)
    assert Experiment.model_validate_json(experiment.model_dump_json()) == experiment
    assert experiment.task == find("flip_flop")(channels=2, steps=12)


def test_broken_plugins_are_listed_with_their_errors_and_harm_nobody(broken, tmp_path):
    listed = srnn("list", "--results", str(tmp_path), env=broken)
    assert listed.returncode == 0, listed.stderr
    lines = {line.split()[0]: line for line in listed.stdout.splitlines() if line.startswith("  ")}
    assert "broken: ModuleNotFoundError: No module named 'no_such_module'" in lines["absent_module"]
    assert (
        "broken: TypeError" in lines["wrong_class"] and "expected a subclass of srnn_tasks.Task" in lines["wrong_class"]
    )
    assert lines["adding"].endswith("ok") and lines["path_integration"].endswith("ok")
    run = srnn("run", "moduli/table1", "--scale", "smoke", "--results", str(tmp_path), "--device", "cpu", env=broken)
    assert run.returncode == 0, run.stderr


def test_a_duplicate_kind_is_an_error_that_names_both(broken, tmp_path):
    file = tmp_path / "experiment.json"
    file.write_text(json.dumps(EXPERIMENT))
    run = srnn("run", str(file), "--results", str(tmp_path / "results"), env=broken)
    assert run.returncode == 2
    assert "flip-flop-task 0.1.0" in run.stderr and "twin 1.0" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_paper_is_listed_run_reported_and_judged(tmp_path):
    folder = str(tmp_path / "results")
    listed = srnn("list").stdout
    assert "Paper flip_flop: How many neurons remember a flip-flop" in listed and "(flip-flop-task 0.1.0)" in listed
    assert "flip_flop/memory" in listed
    run = srnn("run", "flip_flop/memory", "--scale", "quick", "--results", folder, "--device", "cpu", "--jobs", "1")
    assert run.returncode == 0, run.stderr
    report = srnn("report", "flip_flop/memory", "--scale", "quick", "--results", folder)
    assert "Memory of flip-flops by number of neurons" in report.stdout and "0.99" in report.stdout
    (claim,) = json.loads(srnn("claims", "flip_flop/memory", "--scale", "quick", "--results", folder, "--json").stdout)
    assert (claim["claim"], claim["verdict"]) == ("more neurons remember more", "supported")


def test_broken_papers_are_listed_with_their_errors(broken, tmp_path):
    lines = [line for line in srnn("list", env=broken).stdout.splitlines() if line.startswith("Paper ")]
    by_name = {line.split()[1].rstrip(",:"): line for line in lines}
    assert "broken: ModuleNotFoundError: No module named 'no_such_module'" in by_name["absent_paper"]
    assert "broken: TypeError: expected a srnn_bench.Paper" in by_name["wrong_paper"]
    assert "is declared 2 times" in by_name["flip_flop"] and "broken" not in by_name["moduli"]
    run = srnn("run", "flip_flop/memory", "--scale", "smoke", "--results", str(tmp_path / "results"), env=broken)
    assert run.returncode == 2 and "paper: 'flip_flop' is declared 2 times" in run.stderr
