"""What starting the command `srnn` imports: heavy libraries, papers and their figures only where they are needed.

`benchmarks/start_up.py` measures the times.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

SRNN = Path(sysconfig.get_path("scripts")) / "srnn"
HEAVY = {"matplotlib", "scipy", "pandas", "ray"}
PAPERS = "srnn_bench.papers."


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """Return a function that gives the names of all modules that a command imports."""
    folder = tmp_path_factory.mktemp("empty")

    def run(*arguments: str) -> set[str]:
        command = [sys.executable, "-X", "importtime", str(SRNN), *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300)
        assert ended.returncode == 0, ended.stderr[-2000:]
        lines = (line for line in ended.stderr.splitlines() if line.startswith("import time:"))
        names = {line.rpartition("|")[2].strip() for line in lines}
        assert {"torch", "srnn_bench"} <= names
        return names

    return run


def heavy(names: set[str]) -> set[str]:
    return HEAVY & {name.partition(".")[0] for name in names}


def papers(names: set[str]) -> set[str]:
    """Return the modules of single papers."""
    return {name for name in names if name.startswith(PAPERS) and not name.removeprefix(PAPERS).startswith("_")}


def test_help_imports_no_heavy_library_and_no_paper(imported):
    names = imported("--help")
    assert heavy(names) == set()
    assert papers(names) == set()


def test_list_imports_the_papers_without_their_figures(imported):
    names = imported("list")
    assert heavy(names) == set()
    # a package that is imported by its name in a string is not listed itself, only what it imports
    assert {"modcog", "moduli"} <= {name.removeprefix(PAPERS).partition(".")[0] for name in papers(names)}
    assert {name for name in papers(names) if "figures" in name} == set()
