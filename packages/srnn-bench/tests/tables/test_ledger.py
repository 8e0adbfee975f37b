"""The ledger of claims: as JSON and in the terminal, with and without results."""

import io
import json

import pytest
from rich.console import Console

from srnn_bench import Conditions, Store, papers, run, summarise
from srnn_bench.report import figures, print_claims
from srnn_bench.tables import ledger


@pytest.fixture(scope="module")
def summaries(tmp_path_factory):
    """A table without claims, one without results and one with two runs of smoke scale."""
    store = Store(tmp_path_factory.mktemp("results"))
    table = papers.table("moduli/table1", "smoke")
    for job in table.jobs():
        if job.seed == 0 or len(job.experiment.stages) == 1:
            store.put(run(job.experiment, seed=job.seed, conditions=Conditions("cpu")))
    tables = [papers.table("moduli/strength", "smoke"), papers.table("moduli/table1", "quick"), table]
    return [summarise(table, store) for table in tables]


def strict(text):
    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_a_row_a_claim_that_json_gives_back(summaries):
    rows = ledger(summaries)
    assert strict(json.dumps(rows)) == rows
    assert [(row["table"], row["scale"]) for row in rows] == [
        ("moduli/table1", scale) for scale in ("quick", "smoke") for _ in range(7)
    ]
    first = rows[0]
    assert (first["verdict"], first["reason"], first["missing"]) == ("undecided", "no run yet", 6)
    assert first["n"] == [{"row": "90% sparse", "column": column, "n": 0} for column in ("Torus", "Shuffled")]
    assert first["estimate"] is first["interval"] is first["p_holm"] is None
    smoke = rows[7]
    assert smoke["reason"] == "runs at scale smoke only test the code; their numbers mean nothing"
    assert [cell["n"] for cell in smoke["n"]] == [1, 1] and smoke["missing"] == 2


@pytest.mark.parametrize("width", [80, 200])
def test_the_terminal_shows_every_claim_whole(summaries, width):
    console = Console(width=width, record=True, file=io.StringIO())
    print_claims(summaries, console)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    words = " ".join(text.split())
    for summary in summaries:
        for claim in summary.table.claims:
            assert f"{claim.statement} ({claim.source})" in words and claim.name in words
    assert "0 supported, 0 contradicted, 14 undecided" in words
    assert "no run yet" in words and "numbers mean nothing" in words and "2 missing" in words


def test_without_claims_it_says_so(summaries):
    console = Console(width=80, record=True, file=io.StringIO())
    print_claims(summaries[:1], console)
    assert console.export_text().strip() == "no table has claims"
    assert ledger(summaries[:1]) == []


def test_the_numbers_of_a_judgement_stand_in_one_line(summaries):
    from srnn_bench.tables import Claim, Contrast, Judgement

    contrast = Contrast((("row", "A", 1.0), ("row", "B", -1.0)))
    judgement = Judgement(
        claim=Claim("x", "s", "s", (contrast,)),
        verdict="supported",
        reason="because",
        n={("row", "A"): 12, ("row", "B"): 10},
        deciding=contrast,
        estimate=-5.234,
        interval=(-6.5, -4.25),
        bootstrap=(-6.0, -4.0),
        effect=3.21,
        p=0.00012,
        p_holm=0.00024,
        rank_p=0.0079,
        rank_effect=0.99,
        diverged=1,
    )
    assert figures(judgement, "cm") == (
        "row: A − B: -5.23 cm, 95 % -6.5 to -4.25, bootstrap 95 % -6 to -4, Hedges' g 3.2, p 0.00012, "
        "Holm p 0.00024, rank p 0.0079, P(better) 0.99, n 10 to 12, 1 diverged"
    )
