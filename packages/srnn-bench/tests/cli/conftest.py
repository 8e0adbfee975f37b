"""A function that runs the command line."""

import os
import sys
from collections.abc import Callable, Iterator

import pytest

from srnn_bench.cli import console, main


@pytest.fixture
def srnn(monkeypatch, capsys, tmp_path) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Return a function that runs `srnn` in an empty folder and returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(console, "width", 200)  # whatever COLUMNS was when the module was imported
    monkeypatch.setenv("MPLBACKEND", os.environ.get("MPLBACKEND", ""))  # the command line changes it
    path = list(sys.path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["srnn", *arguments])
        with pytest.raises(SystemExit) as exited:
            main()
        printed = capsys.readouterr()
        return exited.value.code or 0, printed.out, printed.err

    yield call
    monkeypatch.undo()  # first: `syspath_prepend` puts back the path that it found, with what is appended here
    sys.path[:] = path  # the command line appends the current folder
