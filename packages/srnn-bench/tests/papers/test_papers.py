"""The tables of the papers are complete and have the papers' numbers."""

import pytest

from srnn_bench import BenchError, Conditions, Store, papers, run, summarise
from srnn_bench.papers import moduli
from srnn_bench.tables import SCALES, Claim
from srnn_manifolds import L1, DifferenceOfGaussians, Moduli, Shuffled, Torus


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", papers.table_names())
def test_every_table_is_complete_at_every_scale(name, scale):
    table = papers.table(name, scale)
    assert (table.name, table.scale) == (name, scale)
    assert {(cell.row, cell.column) for cell in table.cells} == {
        (row, column) for row in table.rows for column in table.columns
    }
    if any(isinstance(claim, Claim) for claim in table.claims):  # claims about means of seeds
        assert len(table.seeds) >= (2 if scale == "smoke" else 3)
    for cell in table.cells:
        assert cell.stage in [stage.name for stage in cell.experiment.stages]


def test_table_1_of_moduli_has_the_papers_numbers_and_sizes():
    table = papers.table("moduli/table1", "paper")
    assert table.columns == ("Torus", "No reg.", "L1", "Shuffled")
    assert table.rows == ("Baseline", "75% sparse", "75% lottery", "90% sparse", "90% lottery")
    cells = {(cell.row, cell.column): cell for cell in table.cells}
    assert [cells["90% lottery", column].published.mean for column in table.columns] == [12.49, 64.44, 53.59, 42.25]
    sparse = cells["90% sparse", "Torus"]
    assert cells["90% lottery", "Torus"].experiment is sparse.experiment, "two stages of one run"
    task, model = sparse.experiment.task, sparse.experiment.model
    assert (task.steps, task.place_cells, model.recurrence.hidden) == (50, 512, 4096)
    for stage in sparse.experiment.stages:
        assert stage.training.epochs * stage.training.batches == 30_000
        assert (stage.training.batch_size, stage.training.learning_rate) == (200, 1e-4)
    assert sparse.experiment.stages[0].pruning.sparsity == 0.9
    assert not cells["Baseline", "No reg."].experiment.penalties


def test_the_columns_of_table_1_differ_in_the_regularizer_alone():
    table = papers.table("moduli/table1", "quick")
    bare = {cell.experiment.model_copy(update={"penalties": ()}) for cell in table.cells if cell.row == "90% sparse"}
    assert len(bare) == 1
    strengths = {penalty.strength for cell in table.cells for penalty in cell.experiment.penalties}
    assert len(strengths) == 1


@pytest.mark.parametrize("scale", SCALES)
def test_the_columns_of_table_1_have_the_regularizers_of_their_names(scale):
    torus = Moduli(
        manifold=Torus(dim=2, period=10), inhibitor=DifferenceOfGaussians(amplitude=100, narrow=0.25, wide=5)
    )
    strength = moduli.NAVIGATION[scale].strength
    expected = {"Torus": torus, "L1": L1(matched=torus), "Shuffled": Shuffled(base=torus)}
    for cell in papers.table("moduli/table1", scale).cells:
        penalties = [
            (penalty.parameter, penalty.regularizer, penalty.strength) for penalty in cell.experiment.penalties
        ]
        wanted = expected.get(cell.column)
        assert penalties == ([] if wanted is None else [("recurrence.weight_hh", wanted, strength)])


def test_the_rule_is_not_decided_while_runs_are_missing(tmp_path):
    table = papers.table("moduli/table1", "smoke")
    store = Store(tmp_path)
    (experiment,) = {cell.experiment for cell in table.cells if (cell.row, cell.column) == ("Baseline", "L1")}
    store.put(run(experiment, seed=0, conditions=Conditions("cpu")))
    remark = table.remarks(summarise(table, store).cells)[1]
    assert remark.endswith("the rule is not decided while runs are missing.")
    for job in table.jobs():
        if len(job.experiment.stages) == 1:
            store.put(run(job.experiment, seed=job.seed, conditions=Conditions("cpu")))
    assert table.remarks(summarise(table, store).cells)[1].endswith("the rule is not met.")


def test_quick_table_1_keeps_the_rules_of_its_size():
    table = papers.table("moduli/table1", "quick")
    task = table.cells[0].experiment.task
    assert task.place_cells >= 256
    strengths = moduli.NAVIGATION["quick"].strengths
    assert len(strengths) >= 3 and moduli.NAVIGATION["quick"].strength in strengths


@pytest.mark.parametrize(
    ("name", "scale", "message"),
    [
        ("moduli/tabel1", "quick", "did you mean 'moduli/table1'"),
        ("moduli/table1", "huge", "expected one of smoke, quick"),
    ],
)
def test_an_unknown_table_or_scale_is_refused(name, scale, message):
    with pytest.raises(BenchError, match=message):
        papers.table(name, scale)
