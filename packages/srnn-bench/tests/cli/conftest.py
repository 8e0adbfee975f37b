"""A function that runs the command line."""

import os
import sys
from collections.abc import Callable

import pytest

from srnn_bench.cli import console, main


@pytest.fixture
def srnn(monkeypatch, capsys, tmp_path) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs `srnn` in an empty folder and returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(console, "width", 200)  # whatever COLUMNS was when the module was imported
    monkeypatch.setenv("MPLBACKEND", os.environ.get("MPLBACKEND", ""))  # the command line changes it
    monkeypatch.setattr(sys, "path", list(sys.path))  # the command line appends the current folder

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["srnn", *arguments])
        with pytest.raises(SystemExit) as exited:
            main()
        printed = capsys.readouterr()
        return exited.value.code or 0, printed.out, printed.err

    return call
