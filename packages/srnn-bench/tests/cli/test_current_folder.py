"""Tasks and papers named as `module:name` may be modules of the current folder."""

import json
import sys

import pytest

TASK = """
from typing import Literal

from srnn_tasks import Adding


class Own(Adding):
    kind: Literal["own_task_of_test:Own"] = "own_task_of_test:Own"
"""

PAPER = """
from pathlib import Path

from srnn_bench import Cell, Experiment, Paper, Table

EXPERIMENT = Experiment.model_validate_json(Path("own.json").read_text())


def memory(scale):
    cells = (Cell("row", "column", EXPERIMENT, "sparse", "mse"),)
    return Table("own/memory", scale, "Memory", "nowhere", "error", "", "lower", seeds=(0,), cells=cells)


PAPER = Paper("own", "A paper of the current folder", "0000.00000", tables={"memory": memory})
"""


@pytest.fixture
def own(tmp_path, tiny):
    """Write a task, an experiment with it, and a paper with that experiment to the current folder."""
    (tmp_path / "own_task_of_test.py").write_text(TASK)
    (tmp_path / "own_paper_of_test.py").write_text(PAPER)
    experiment = tiny().model_dump(mode="json")
    experiment["task"]["kind"] = "own_task_of_test:Own"
    (tmp_path / "own.json").write_text(json.dumps(experiment))
    yield
    for name in ("own_task_of_test", "own_paper_of_test"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("target", ["own.json", "own_paper_of_test:PAPER/memory"])
def test_it_runs(srnn, own, target):
    code, out, err = srnn("run", target, "--scale", "smoke", "--device", "cpu", "--jobs", "1")
    assert (code, err) == (0, "")
    assert "1 done" in out


def test_the_paper_is_reported(srnn, own):
    srnn("run", "own.json", "--device", "cpu", "--jobs", "1")
    code, out, err = srnn("report", "own_paper_of_test:PAPER/memory", "--scale", "smoke")
    assert code == 0 and "own/memory, scale smoke: drawing figures" in err
    assert "Memory [own/memory, scale smoke]" in out
