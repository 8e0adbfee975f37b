"""`srnn` with a study: run, report, publish, import, and other tables of the same runs."""

import os

import pytest

from srnn_bench import Store, papers, summarise
from srnn_bench.tables import bins, study_losses


@pytest.mark.skipif("SRNN_DATA" not in os.environ, reason="SRNN_DATA is not set: no MNIST")
def test_a_study_is_run_published_and_imported(srnn):
    code, out, _ = srnn("run", "blocks/table4", "--scale", "smoke", "--jobs", "1")
    assert code == 0 and "12 executed" in out
    code, out, _ = srnn("report", "blocks/table4", "--scale", "smoke")
    assert code == 0 and "These numbers are noise" in out and "Loss by hidden proportion (nats)" in out
    code, out, _ = srnn("publish", "blocks/table4", "--scale", "smoke", "--to", "runs")
    assert code == 0 and "blocks-table4-smoke.jsonl.gz: 12 of 12 runs" in out
    assert srnn("import", "runs/blocks-table4-smoke.jsonl.gz", "--results", "other")[0] == 0
    table = papers.table("blocks/table4", "smoke")
    found = [study_losses(summarise(table, Store(folder))) for folder in ("results", "other")]
    assert found[0].present.all() and bins(found[0], table.bins[0]) == bins(found[1], table.bins[0])
    code, out, _ = srnn("run", "blocks/figure9", "--scale", "smoke")
    assert code == 0 and "12 runs, 12 of them stored" in out
