"""The claims of the papers, judged on the papers' own numbers: a reading of the text must not be our invention."""

import math

import pytest

from srnn_bench import Result, Summary, papers
from srnn_bench._claims import judge
from srnn_bench._environment import describe, resolve_device
from srnn_bench._summary import CellSummary
from srnn_bench._table import SCALES

ENVIRONMENT = describe("path_integration", resolve_device("cpu"), "float32", 1)
SHAPE = (-2.0, -1.0, 0.0, 1.0, 2.0)  # any five numbers; they get the mean and spread of the paper


def as_published(table, worse=()):
    """Return a summary whose cells have the paper's mean and population sd; those in `worse` have twice the mean."""
    spread = math.sqrt(sum(value**2 for value in SHAPE) / len(SHAPE))
    cells = {}
    for cell in table.cells:
        results = {}
        for seed, value in enumerate(SHAPE[: cell.published.n]):
            metric = cell.published.mean + cell.published.sd * value / spread
            stage = {"name": cell.stage, "metrics": {cell.metric: metric * (2 if cell.row in worse else 1)}}
            stage |= {"densities": {}, "history": (), "steps": 1, "step_ms": 1.0, "peak_memory_mb": None}
            fields = {"experiment": cell.experiment, "seed": seed, "status": "done", "stages": [stage]}
            made = {"key": f"{cell.row}{cell.column}{seed}", "environment": ENVIRONMENT, "seconds": 1.0}
            results[seed] = Result.model_validate(fields | made)
        cells[cell.row, cell.column] = CellSummary(cell, results)
    return Summary(table, cells)


@pytest.mark.parametrize("name", papers.TABLES)
def test_the_papers_own_numbers_support_its_claims(name):
    table = papers.table(name, "paper")
    if not table.claims:
        return
    for found in judge(as_published(table)):
        assert found.verdict == "supported", (found.claim.name, found.reason)


def test_a_torus_that_loses_its_performance_is_seen():
    verdicts = {
        found.claim.name: found.verdict
        for found in judge(as_published(papers.table("moduli/table1", "paper"), worse=("90% sparse",)))
    }
    assert verdicts["torus keeps its performance"] == "contradicted"
    assert verdicts["torus beats shuffled"] == "supported", "twice the error in every column"


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", papers.TABLES)
def test_the_claims_are_the_same_at_every_scale(name, scale):
    claims = papers.table(name, scale).claims
    assert claims == papers.table(name, "paper").claims
    for claim in claims:
        assert claim.source and claim.statement.endswith(".")


def test_table_1_of_moduli_has_its_claims():
    assert len(papers.table("moduli/table1", "quick").claims) == 7
