"""The table that `srnn run --dry-run` prints."""

import io

import pytest
from rich.console import Console

from srnn_bench import Conditions, Job
from srnn_bench.cli import print_estimates
from srnn_bench.sweep import estimate


@pytest.mark.parametrize("width", [80, 200])
def test_the_total_of_the_missing_runs_is_printed(tiny, width):
    out = io.StringIO()
    jobs = [Job(tiny(), seed, f"mine, seed {seed}") for seed in range(3)]
    (estimated,) = estimate(jobs, None, Conditions(device="cpu"))
    print_estimates([estimated], 2, Console(file=out, width=width))
    printed = out.getvalue()
    assert "Missing: 3 runs" in printed and "with 2 in parallel" in printed
    assert f"{3 * estimated.flops:.3g} FLOPs" in printed
