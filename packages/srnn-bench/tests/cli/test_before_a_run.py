"""What `srnn run` does before anything is executed: it says what it will do, and opens every task once."""

import json
import sys

import pytest

from srnn_bench import Store

TASK = """
from typing import Literal

from srnn_tasks import Adding


class Lost(Adding):
    kind: Literal["lost_task_of_test:Lost"] = "lost_task_of_test:Lost"

    def open(self, *, device, generator):
        with open("opened.txt", "a") as file:
            file.write("x")
        raise FileNotFoundError("the recordings of the lab")
"""


@pytest.fixture
def lost(tmp_path, tiny):
    """Write an experiment whose task, of a third party, does not find its data."""
    (tmp_path / "lost_task_of_test.py").write_text(TASK)
    experiment = tiny().model_dump(mode="json")
    experiment["task"]["kind"] = "lost_task_of_test:Lost"
    (tmp_path / "lost.json").write_text(json.dumps(experiment))
    yield
    sys.modules.pop("lost_task_of_test", None)


def test_missing_data_are_one_message_before_the_first_run(srnn, tmp_path, tiny, lost):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    code, _, err = srnn("run", "mine.json", "lost.json", "--seeds", "0-5", "--device", "cpu", "--jobs", "1")
    assert code == 2 and err.count("\n") == 1
    assert "FileNotFoundError: the recordings of the lab" in err and "6 of 12 runs, of lost; nothing was run" in err
    assert not (tmp_path / "results" / "results.sqlite").exists() or not list(Store(tmp_path / "results"))
    assert len((tmp_path / "opened.txt").read_text()) <= 2, "once for the estimate, once for the check"


def test_what_a_task_requires_is_not_blamed_on_a_penalty(srnn, tmp_path, lost):
    task = TASK.replace("FileNotFoundError", "TaskError").replace("import Adding", "import Adding, TaskError")
    (tmp_path / "lost_task_of_test.py").write_text(task)
    code, _, err = srnn("run", "lost.json", "--device", "cpu", "--jobs", "1", "--dry-run")
    assert code == 2 and err.count("\n") == 1
    assert "lost: the recordings of the lab (1 of 1 runs; nothing was run)" in err


def test_stored_runs_need_no_data(srnn, tmp_path, tiny):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    assert "1 run, 0 of them stored" in srnn("run", "mine.json", "--device", "cpu", "--jobs", "1")[1]
    out = srnn("run", "mine.json", "--device", "cpu", "--jobs", "1")[1]
    assert "1 run, 1 of them stored" in out and "Time" not in out


def test_the_time_and_the_other_scales_are_announced(srnn):
    out = srnn("run", "moduli/table1", "--scale", "smoke", "--seeds", "0", "--device", "cpu", "--jobs", "1")[1]
    assert "moduli/table1: 12 runs, 0 of them stored" in out
    assert "Time: about" in out and "--scale quick" in out and "--scale paper" in out


def test_a_mask_that_does_not_fit_is_one_message_before_the_first_run(srnn, tmp_path):
    srnn("new", "mine.json")
    options = ("--seeds", "0-1", "--device", "cpu", "--jobs", "1", "--grid", "model.recurrence.hidden=64,128")
    for more in ((), ("--dry-run",)):
        code, _, err = srnn("run", "mine.json", *options, *more)
        assert code == 2 and err.count("\n") == 1 and ".py" not in err
        assert "mine, hidden=128: masks.0.pattern: Locality" in err and "2 of 4 runs; nothing was run" in err
        assert "hidden=64:" not in err and not (tmp_path / "results" / "results.sqlite").exists()
