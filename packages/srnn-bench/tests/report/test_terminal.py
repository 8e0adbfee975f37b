"""Claims in the terminal: all of them, with their numbers, at any width."""

import io

import pytest
from rich.console import Console

from srnn_bench import Cell, Conditions, Result, Store, Table, judge, papers, summarise
from srnn_bench.report import print_claims
from srnn_bench.tables import Claim, Contrast, beats
from srnn_bench.training import describe


@pytest.fixture(scope="module")
def summaries(tmp_path_factory):
    """A table without claims, and one without results."""
    store = Store(tmp_path_factory.mktemp("results"))
    tables = papers.table("moduli/strength", "smoke"), papers.table("moduli/table1", "quick")
    return [summarise(table, store) for table in tables]


def printed(summaries, width) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    print_claims(summaries, console)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    return " ".join(text.split())


@pytest.mark.parametrize("width", [80, 200])
def test_every_claim_is_printed_in_full(summaries, width):
    words = printed(summaries, width)
    for claim in summaries[1].table.claims:
        assert f"{claim.statement} ({claim.source})" in words and claim.name in words
    assert words.endswith(f" {len(summaries[1].table.claims)} undecided") and "0 supported" not in words
    assert "Exploratory: judged over seeds 0-2" in words
    assert "no run yet" in words and "6 missing" in words


def test_tables_without_claims(summaries):
    assert printed(summaries[:1], 80) == "no table has claims"


def test_the_numbers_of_a_claim_are_in_one_line(tiny, tmp_path):
    store = Store(tmp_path)
    cells = (
        Cell("row", "A", tiny(), "sparse", "mse"),
        Cell("row", "B", tiny(masks=(), penalties=()), "sparse", "mse"),
    )
    for cell, start in zip(cells, (1.0, 5.0), strict=True):
        for seed in range(3):
            store.put(result_of(cell.experiment, seed, start + 0.1 * seed**2))
    a, b = (("row", column) for column in "AB")
    claims = (
        Claim("better", "A beats B.", "s", (beats(a, over=b),)),
        Claim("low", "A is low.", "s", (Contrast(((*a, 1.0),), bound=9.0, margin=0.5),)),
    )
    table = Table("t", "quick", "T", "s", "Error", "cm", "lower", (0, 1, 2), cells, claims=claims)
    summary = summarise(table, store)
    judgement = judge(summary)[0]
    words = printed([summary], 300)
    low, high = judgement.interval
    assert (
        f"contrast: row: A − B; estimate: -4.00 cm, 95 % {low:+.2f} to {high:+.2f}; "
        f"effect size: g = {judgement.effect:+.2f}; p, Holm: {judgement.p_holm:.3f} ({judgement.p:.3f} uncorrected, "
        "over 2 claims); "
        "rank test: P(better) = 1.00, p = 0.100; runs: 3 in each cell"
    ) in words
    assert "bound: 9 cm; margin: 0.5 cm; " in words
    assert words.endswith("runs: row, A: 3 2 supported (exploratory)")


def result_of(experiment, seed, value) -> Result:
    """Return a result whose first stage has this error."""
    fields = {"densities": {}, "history": (), "steps": 1, "step_ms": 1.0, "peak_memory_mb": None}
    stage = {"name": "sparse", "metrics": {"mse": value}, **fields}
    run = {"key": experiment.key(seed), "experiment": experiment, "seed": seed, "status": "diverged"}
    environment = describe("adding", Conditions("cpu"))
    return Result.model_validate(run | {"stages": [stage], "environment": environment, "seconds": 1.0})
