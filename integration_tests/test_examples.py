"""The examples run as printed, each in a process and a folder of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


def test_there_are_examples():
    assert [example.name for example in EXAMPLES] == ["prune_lstm.py"]


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """Return a function that runs an example and returns what it prints."""

    def run(name):
        (example,) = (each for each in EXAMPLES if each.name == name)
        folder = tmp_path_factory.mktemp(example.stem)
        command = [sys.executable, "-W", "error", str(example)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_prune_lstm_learns_with_5_percent_of_its_weights(printed):
    text = printed("prune_lstm.py")
    assert "3,482 of 69,632 weights kept" in text
    assert "3,482 weights of the LSTM are not zero" in text
    assert float(re.search(r"accuracy ([\d.]+)%", text)[1]) > 60
