"""The ledger of claims: one row per claim, of values that JSON supports."""

import json

import pytest

from srnn_bench import Conditions, Result, Store, papers, summarise
from srnn_bench.tables import ledger
from srnn_bench.training import describe

ENVIRONMENT = describe("path_integration", Conditions("cpu"))


def result_of(job, value) -> Result:
    """Return a result of a job whose stages all have this error."""
    fields = {"densities": {}, "history": (), "steps": 1, "step_ms": 1.0, "peak_memory_mb": None}
    stages = [{"name": stage.name, "metrics": {"error_cm": value}, **fields} for stage in job.experiment.stages]
    run = {"key": job.key, "experiment": job.experiment, "seed": job.seed, "status": "done", "stages": stages}
    return Result.model_validate(run | {"environment": ENVIRONMENT, "seconds": 1.0})


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """The ledger of a table without claims, one without results, one with half of its runs, and a complete one."""
    store = Store(tmp_path_factory.mktemp("results"))
    smoke, quick = (papers.table("moduli/table1", scale) for scale in ("smoke", "quick"))
    other = papers.table("moduli/table1-hh", "quick")
    for job in smoke.jobs():
        if job.seed == 0 or len(job.experiment.stages) == 1:
            store.put(result_of(job, 1.0))
    for number, job in enumerate(other.jobs()):
        store.put(result_of(job, 10.0 + number % 7))
    tables = (papers.table("moduli/strength", "smoke"), quick, smoke, other)
    return ledger([summarise(table, store) for table in tables])


def test_json_gives_the_rows_back(rows):
    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    assert json.loads(json.dumps(rows), parse_constant=refuse) == rows


def test_one_row_per_claim(rows):
    tables = [("moduli/table1", "quick"), ("moduli/table1", "smoke"), ("moduli/table1-hh", "quick")]
    assert list(dict.fromkeys((row["table"], row["scale"]) for row in rows)) == tables
    for name, scale in tables:
        claims = papers.table(name, scale).claims
        of_table = [row for row in rows if (row["table"], row["scale"]) == (name, scale)]
        assert [(row["claim"], row["statement"], row["source"]) for row in of_table] == [
            (claim.name, claim.statement, claim.source) for claim in claims
        ]
    assert {(row["unit"], row["better"]) for row in rows} == {("cm", "lower")}


def test_what_cannot_be_computed_is_none(rows):
    first = rows[0]
    assert (first["verdict"], first["reason"], first["missing"]) == ("undecided", "no run yet", 6)
    assert first["n"] == [{"row": "90% sparse", "column": column, "n": 0} for column in ("Torus", "Shuffled")]
    assert first["estimate"] is first["interval"] is first["p_holm"] is None
    smoke = rows[len(papers.table("moduli/table1", "quick").claims)]
    assert smoke["reason"] == "runs at scale smoke only test the code; their numbers mean nothing"
    assert [cell["n"] for cell in smoke["n"]] == [1, 1] and smoke["missing"] == 2


def test_a_row_has_the_numbers_of_the_deciding_contrast(rows):
    row = next(row for row in rows if row["table"] == "moduli/table1-hh" and row["p"] is not None)
    low, high = row["interval"]
    assert low < row["estimate"] < high
    assert row["p"] <= row["p_holm"] <= 1
    assert row["bound"] == row["contrast_margin"] == 0.0 and " − " in row["deciding"]


def test_the_margin_is_that_of_the_equivalence_as_in_a_judgement(rows):
    table = papers.table("moduli/table1-hh", "quick")
    row = next(row for row in rows if row["table"] == table.name and row["p_equivalent"] is not None)
    assert row["margin"] == table.plan.margin


def test_a_row_names_the_family_and_its_number_of_claims(rows):
    for row in rows:
        assert row["family_name"] == row["table"] and row["tables_not_built"] == []
        assert row["claims_in_family"] == len(papers.table(row["table"], row["scale"]).claims)
