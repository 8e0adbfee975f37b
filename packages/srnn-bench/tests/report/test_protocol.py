"""How claims were judged, as reports say it: planned and other seeds, families, readings, failures, equivalences."""

import io
import math
import re
from dataclasses import replace

import pytest
from rich.console import Console

from srnn_bench import Cell, Conditions, Result, Store, Table, section, summarise, write_html
from srnn_bench.report import print_claims, print_report, write_markdown
from srnn_bench.tables import Claim, Plan, Relatives, beats
from srnn_bench.training import describe
from srnn_models import ElmanRNN, SequenceModel

ENVIRONMENT = describe("adding", Conditions("cpu"))
VALUES = {
    "A": (1.0, 1.1, 0.9, 1.05, 0.95, 1.0, 7.0),  # the last one is of a seed outside the plan
    "B": (1.02, 1.08, 0.92, 1.06, 0.94, 1.01, 7.0),
    "C": (3.0, 3.1, 2.9, 3.05, 70.0, 2.95, 7.0),
}
A, B, C = [("row", name) for name in VALUES]
CLAIMS = (
    Claim("A beats C", "A beats C.", "Section 1", (beats(A, over=C),)),
    Claim("A beats B", "A beats B.", "Section 2", (beats(A, over=B),)),
)
SEEDS = (10, 11, 12, 13, 14, 15)
PLAN = Plan(SEEDS, looks=((0, 1, 2), (3,)), margin=0.5, failure_threshold=60.0, note="More seeds than before.")


def result_of(experiment, seed, value) -> Result:
    """Return a finished run with this error."""
    fields = {"densities": {}, "history": (), "steps": 1, "step_ms": 1.0, "peak_memory_mb": None}
    stage = {"name": "sparse", "metrics": {"mse": value}, **fields}
    run = {"key": experiment.key(seed), "experiment": experiment, "seed": seed, "status": "done", "stages": [stage]}
    return Result.model_validate(run | {"environment": ENVIRONMENT, "seconds": 1.0})


@pytest.fixture(scope="module")
def table(tiny) -> Table:
    """One row of three cells, with a plan."""
    models = {
        name: SequenceModel(recurrence=ElmanRNN(hidden=size)) for name, size in zip("ABC", (6, 7, 8), strict=True)
    }
    cells = tuple(Cell("row", name, tiny(model=model), "sparse", "mse") for name, model in models.items())
    return Table(
        "paper/table", "quick", "A title", "A paper", "Error", "cm", "lower", SEEDS, cells, claims=CLAIMS, plan=PLAN
    )


@pytest.fixture(scope="module")
def store(table, tmp_path_factory) -> Store:
    """Runs of the planned seeds and of seed 7."""
    store = Store(tmp_path_factory.mktemp("store"))
    for cell in table.cells:
        for seed, value in zip((*SEEDS, 7), VALUES[cell.column], strict=True):
            store.put(result_of(cell.experiment, seed, value))
    return store


@pytest.fixture(scope="module")
def planned(table, store):
    return section(summarise(table, store))


@pytest.fixture(scope="module")
def exploratory(table, store):
    return section(summarise(replace(table, plan=Plan(failure_threshold=60.0)), store))


def test_planned_verdicts_have_no_mark_and_others_have_one(planned, exploratory):
    assert [finding.verdict for finding in planned.findings] == ["supported", "equivalent"]
    assert [finding.verdict for finding in exploratory.findings] == ["supported (exploratory)", "undecided"]
    assert exploratory.verdicts == {"supported (exploratory)": 1, "undecided": 1}


def test_the_protocol_of_a_planned_table(planned):
    assert planned.protocol[:3] == (
        "Planned: judged over seeds 10-15, fixed before the runs (third look; looked at before: seeds 0-2; seed 3). "
        "Shown but not judged: seed 7.",
        "Means are equivalent if they are shown to differ by less than 0.5 cm; a run that diverged, or whose value is "
        "60 cm or above, failed to learn.",
        "Note: More seeds than before.",
    )


def test_the_protocol_of_an_exploratory_table(exploratory):
    assert exploratory.protocol[0] == (
        "Exploratory: judged over seeds 10-15, which no plan fixed before the runs. Shown but not judged: seed 7."
    )
    assert not any(text.startswith(("Means", "Note")) for text in exploratory.protocol)
    assert "A run that diverged, or whose value is 60 cm or above, failed to learn." in exploratory.protocol


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"log": True, "margin": 1.2}, "a factor of 1.2; a run that"),
        ({"log": True}, "logarithms are compared"),
        ({"paired": True}, "values are paired by seed"),
    ],
)
def test_what_a_plan_may_say(table, store, changes, text):
    plan = replace(PLAN, **({"margin": None} | changes))
    assert text in " ".join(section(summarise(replace(table, plan=plan), store)).protocol)


def test_the_largest_rate_of_failures_that_runs_without_one_leave_open(planned):
    limit = 1 - math.exp(math.log(0.05) / 6)  # no failure in 6 runs has a chance of 5 %
    sentence = planned.protocol[-1]
    assert f"6 runs of a cell without a failure do not exclude a failure rate up to {100 * limit:.0f} %" in sentence
    assert "14 would exclude 20 %" in sentence and 0.8**14 < 0.05 < 0.8**13


def test_failures_of_each_cell_and_their_test(planned):
    sheet = next(sheet for sheet in planned.shown if sheet.title == "Runs that failed to learn")
    assert sheet.rows == (("row", "0 of 6", "0 of 6", "1 of 6"),)
    first, second = planned.numbers
    assert first["runs that learned"] == "row, A: 6; row, C: 5"
    assert first["failed to learn"] == "row, C: 1 of 6; Fisher p 1.000 for row: A − C"
    assert second["runs that learned"] == "6 in each cell" and "failed to learn" not in second


def test_without_a_threshold_there_is_no_sheet_of_failures(table, store):
    shown = section(summarise(replace(table, plan=Plan()), store)).shown
    assert not any(sheet.rows for sheet in shown if sheet.title == "Runs that failed to learn")


def test_the_numbers_of_an_equivalence(planned):
    judgement = planned.judgements[1]
    assert planned.numbers[1]["p, within 0.5 cm"].startswith("< 0.001 (< 0.001 uncorrected)")
    assert judgement.p_equivalent_holm < 0.001


def test_runs_of_other_seeds_are_marked(planned, exploratory):
    for part in (planned, exploratory):
        status = {(row[1], row[2]): row[4] for row in part.runs.rows}
        assert len(status) == 21
        assert {seed for (_, seed), text in status.items() if text == "done, not judged"} == {"7"}
        assert {text for (_, seed), text in status.items() if seed != "7"} == {"done"}


def test_the_family_and_the_readings(table, store):
    twin = replace(table, name="paper/table-speed", family="paper/table", claims=CLAIMS[:1])
    other = replace(table, name="paper/table-hh", plan=Plan(), seeds=(20,))  # seeds that were not run
    family = replace(table, family="paper/table", relatives=lambda: Relatives((twin,), (other,)))
    words = section(summarise(family, store)).protocol
    assert "Corrected over the 3 claims of paper/table: 2 of paper/table, 1 of paper/table-speed." in words
    assert "1 of 2 readings of this table has results. Each is corrected by itself." in words
    without = replace(twin, plan=Plan(), seeds=(20,), cells=tuple(map(with_more_steps, table.cells)))
    family = replace(table, family="paper/table", relatives=lambda: Relatives((without,)))
    missing = "Runs are missing of paper/table-speed: what is not tested counts with p = 1."
    assert any(text.endswith(missing) for text in section(summarise(family, store)).protocol)


def test_tables_that_cannot_be_read_or_built_are_named(table, store):
    unread = tuple(replace(cell, metric="accuracy") for cell in table.cells)
    twin = replace(table, name="paper/twin", family="paper/table", cells=unread)
    broken = ("paper/two (RuntimeError: nope)",)
    family = replace(table, family="paper/table", relatives=lambda: Relatives((twin,), broken=broken))
    words = section(summarise(family, store)).protocol
    (sentence,) = [text for text in words if "cannot be read" in text]
    assert sentence.startswith("The results of paper/twin cannot be read (run ")
    assert "no metric 'accuracy'" in sentence and sentence.endswith("): its claims count with p = 1.")
    assert "Corrected over the 4 claims of paper/table: 2 of paper/table, 2 of paper/twin." in words
    one = "Table paper/two (RuntimeError: nope) cannot be built: if it belongs to this family, p values are too small."
    assert one in words
    two = Relatives(broken=(*broken, "paper/three (ValueError: no)"))
    words = section(summarise(replace(table, relatives=lambda: two), store)).protocol
    start = "Tables paper/two (RuntimeError: nope), paper/three (ValueError: no) cannot be built: if they belong "
    assert any(text.startswith(start) for text in words)


def with_more_steps(cell):
    (first, *rest) = cell.experiment.stages
    first = first.model_copy(update={"training": first.training.model_copy(update={"batches": 9})})
    return replace(cell, experiment=cell.experiment.model_copy(update={"stages": (first, *rest)}))


def test_every_form_of_the_report_has_the_protocol_and_the_marks(table, store, tmp_path):
    summary = summarise(replace(table, plan=Plan(failure_threshold=60.0)), store)
    part = section(summary)
    console = Console(width=200, record=True, file=io.StringIO())
    print_report([part], console)
    print_claims([summary], console)
    page = write_html([part], tmp_path / "report.html").read_text()
    texts = [
        console.export_text(),
        re.sub(r"<[^>]*>", " ", page),
        write_markdown([part], tmp_path / "r.md").read_text(),
    ]
    for text in texts:
        words = " ".join(text.split())
        assert "Exploratory: judged over seeds 10-15" in words
        assert "(exploratory)" in words
    assert 'class="claim supported"' in page and 'class="verdict supported"' in page
    (equivalent,) = [each for each in section(summarise(table, store)).judgements if each.verdict == "equivalent"]
    page = write_html([section(summarise(table, store))], tmp_path / "report.html").read_text()
    assert 'class="claim equivalent"' in page and ".equivalent { color" in page and equivalent.label == "equivalent"
