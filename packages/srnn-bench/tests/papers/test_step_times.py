"""Time per training step with trained and fixed embeddings."""

import pytest

from srnn_bench import Conditions, Result, Summary, papers
from srnn_bench.tables import SCALES, FilledCell, judge
from srnn_bench.training import describe

HERE = describe("path_integration", Conditions("cpu"))


def filled(table, times, environment=HERE):
    """Return a summary with one run per number of milliseconds, in the columns of `times`."""
    cells = {}
    for cell in table.cells:
        results = {}
        for seed, step_ms in zip(table.seeds, times[cell.column], strict=True):
            stage = {"name": cell.stage, "metrics": {}, "densities": {}, "history": (), "steps": 1, "step_ms": step_ms}
            fields = {"experiment": cell.experiment, "seed": seed, "status": "done", "seconds": 1.0}
            fields |= {"key": cell.experiment.key(seed), "stages": [stage | {"peak_memory_mb": None}]}
            environments = environment if isinstance(environment, list) else [environment] * len(table.seeds)
            results[seed] = Result.model_validate(fields | {"environment": environments[seed]})
        cells[cell.place] = FilledCell(cell, dict(results))
    return Summary(table, cells)


@pytest.mark.parametrize("scale", SCALES)
def test_the_runs_are_the_unpruned_ones_of_table_3(scale):
    table = papers.table("moduli/step-times", scale)
    dense = {
        (cell.column, cell.experiment) for cell in papers.table("moduli/table3", scale).cells if cell.row == "Baseline"
    }
    assert {(cell.column, cell.experiment) for cell in table.cells} == dense
    assert (table.unit, table.better) == ("ms", "lower")


@pytest.mark.parametrize(
    ("trained", "verdict"), [((20.0, 20.2, 19.9), "supported"), ((12.0, 12.1, 12.3), "contradicted")]
)
def test_a_trained_embedding_costs_time_if_both_spaces_take_half_as_long_again(trained, verdict):
    table = papers.table("moduli/step-times", "quick")
    fixed = (10.0, 10.1, 9.9)
    summary = filled(
        table, {"Torus trained": (20.0, 20.1, 19.8), "Torus": fixed, "R3 trained": trained, "R3 fixed": fixed}
    )
    assert summary.cells["Baseline", "R3 trained"].mean == pytest.approx(sum(trained) / 3)
    (found,) = judge(summary)
    assert found.verdict == verdict


def test_times_of_several_machines_are_said_to_be_unreliable():
    table = papers.table("moduli/step-times", "quick")
    times = dict.fromkeys(table.columns, (10.0, 10.1, 9.9))
    assert len(filled(table, times).remarks) == 1
    other = HERE.model_copy(update={"threads": HERE.threads + 1})
    mixed = filled(table, times, [HERE, HERE, other])
    assert "2 different conditions" in mixed.remarks[1]
