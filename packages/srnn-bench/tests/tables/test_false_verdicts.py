"""The benchmark of false verdicts runs, and decides as `judge` does."""

import runpy
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[4] / "benchmarks" / "false_verdicts.py"


@pytest.mark.skipif(not BENCHMARK.exists(), reason="benchmarks are in the repository only")
@pytest.mark.parametrize("section", ["looks", "all-runs", "detectable"])
def test_sections_print_tables_and_agree_with_judge(section, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(BENCHMARK), "--tables", "20", "--checked", "1", "--only", section])
    runpy.run_path(str(BENCHMARK), run_name="__main__")
    printed = capsys.readouterr().out
    assert printed.startswith("## ") and "---:|" in printed and printed.count(" % |") >= 5
