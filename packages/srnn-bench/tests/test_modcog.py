"""The tables of arXiv 2207.03523: sizes and counts of the facts sheet, sections 7, 8 and 11."""

import pytest

from srnn_bench import papers
from srnn_bench._assemble import assemble
from srnn_bench.papers import modcog
from srnn_masks import FixedInDegree, Locality
from srnn_tasks import Cognitive


def weights(net, tasks):
    """Count the weights of a built network one by one: all, and the recurrent ones; biases left out."""
    import torch

    experiment = net.trained(Cognitive(tasks=tasks), modcog.SIZES["smoke"].training)
    model = assemble(experiment, 0, torch.device("cpu")).model
    counts = {name: int((held != 0).sum()) for name, held in model.named_parameters() if held.dim() == 2}
    return sum(counts.values()), counts["recurrence.weight_hh"]


@pytest.mark.parametrize(
    ("net", "tasks", "everything", "recurrent"),
    [
        (modcog.dense(196), "yang20", 52_136, 196**2),
        (modcog.dense(256), "yang20", 83_456, 256**2),
        (modcog.local(25, 0), "yang20", 44_375, 625),
        (modcog.local(25, 2), "yang20", 51_875, 625 * 13),
        (modcog.local(25, 4), "yang20", 74_375, 625 * 49),
        (modcog.local(50, 6), "paper84", 617_500, 282_500),
        (modcog.local(50, 10), "paper84", 1_127_500, 792_500),
        (modcog.dense(676), "paper84", 547_560, 456_976),
    ],
)
def test_counts_of_weights_are_those_of_the_paper(net, tasks, everything, recurrent):
    found = weights(net, tasks)
    assert abs(found[0] - everything) <= 2 and abs(found[1] - recurrent) <= 2  # a drawn weight may be 0.0


def test_the_dense_network_of_table_1_has_6585000_weights():
    others = modcog.as_many_synapses(modcog.dense(2500), Cognitive(tasks="paper84"))
    assert others.hidden == 2500
    assert 2500 * 2500 + 2500 * (117 + 17) == 6_585_000


def test_as_many_synapses_is_the_smallest_dense_network_that_has_them():
    assert modcog.as_many_synapses(modcog.local(25, 2), Cognitive(tasks="yang20")).hidden == 196  # the paper's
    for net, tasks in (
        (modcog.local(20, 2), "paper84"),
        (modcog.local(20, 4), "yang20"),
        (modcog.local(7, 1), "yang20"),
    ):
        task = Cognitive(tasks=tasks)
        wanted = weights(net, tasks)[0]
        found = modcog.as_many_synapses(net, task).hidden
        unit = {"yang20": 70, "paper84": 134}[tasks]
        assert found**2 + found * unit >= wanted > (found - 1) ** 2 + (found - 1) * unit


@pytest.mark.parametrize(("side", "radius", "degree"), [(50, 6, 113), (50, 10, 317), (20, 2, 13)])
def test_random_networks_have_the_in_degree_of_the_mask(side, radius, degree):
    random = modcog.random_like(modcog.local(side, radius))
    assert random.pattern == FixedInDegree(degree=degree)
    assert random.hidden == side * side
    assert not modcog.random_like(modcog.local(side, radius), self_connections=False).pattern.self_connections


def test_table_1_has_the_papers_networks_and_numbers():
    table = papers.table("modcog/table1", "paper")
    assert table.rows == (
        *("LM d = 6", "LM d = 10", "dense, N = 676", "dense, N = 2500"),
        *("L1 1e-4", "L1 1e-5", "L1 1e-6", "L1 1e-7"),
    )
    cells = {(cell.row, cell.column): cell for cell in table.cells}
    assert [cells[row, "decision accuracy"].published.mean for row in table.rows] == [
        *(0.799, 0.815, 0.69, 0.71, 0.59, 0.72, 0.73, 0.71)
    ]
    assert table.seeds == tuple(range(15))
    experiment = cells["LM d = 6", "decision accuracy"].experiment
    (masked,) = experiment.masks
    assert masked.pattern == Locality(sheet=(50, 50), radius=6)
    (stage,) = experiment.stages
    assert stage.training.epochs * stage.training.batches == 10_000
    assert (stage.training.learning_rate, stage.training.optimizer.kind) == (1e-3, "adam")
    (penalty,) = cells["L1 1e-5", "decision accuracy"].experiment.penalties
    assert penalty.strength == pytest.approx(1e-5) and penalty.regularizer.reduction == "sum"


def test_tables_of_the_same_networks_share_their_runs():
    def experiments(name):
        return {cell.experiment for cell in papers.table(name, "quick").cells}

    assert experiments("modcog/table1") == experiments("modcog/table1-weights") == experiments("modcog/figure6")
    assert experiments("modcog/figure2a") == experiments("modcog/figure2a-speed")
    assert len(experiments("modcog/figure5") & experiments("modcog/table1")) == 3


def test_always_fixate_stands_beside_every_number():
    for name in papers.TABLES:
        table = papers.table(name, "quick")
        if name.startswith("modcog/") and "decision accuracy" in table.columns:
            assert "always fixate" in table.columns
