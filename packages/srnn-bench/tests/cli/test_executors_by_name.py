"""`--executor`: built in, or a class of the user."""

from srnn_bench import Store

EXECUTOR = """
from pathlib import Path

from srnn_bench.sweep import InProcess


class Mine(InProcess):
    def __init__(self, workers):
        super().__init__()
        Path("workers.txt").write_text(str(workers))
"""


def test_a_class_of_the_current_folder_executes_the_runs(srnn, tmp_path, tiny):
    (tmp_path / "mine.json").write_text(tiny().model_dump_json())
    (tmp_path / "executor_of_the_user.py").write_text(EXECUTOR)
    command = ("run", "mine.json", "--seeds", "0-1", "--device", "cpu", "--jobs", "3")
    assert srnn(*command, "--executor", "executor_of_the_user:Mine")[0] == 0
    assert (tmp_path / "workers.txt").read_text() == "3"
    assert Store(tmp_path / "results").statuses() == {"done": 2}
