"""Tables of arXiv 2509.15057: sizes of its networks, what the controls keep equal, and the cells of its claims."""

import math

import pytest
import torch

from srnn_bench import papers
from srnn_bench.papers import blocks
from srnn_models import BlockRNN
from srnn_tasks import RandomAnomaly

SIZES = (2500, 10, 100_000)  # inputs, outputs, weights of Random Anomaly Detection in the paper


def built(net, seed=0):
    spec = RandomAnomaly(series=4, held_out=4).outline(2)
    stub = type("Spec", (), {"inputs": spec.inputs, "outputs": spec.outputs, "start": None, "tokens": False})()
    return net.model.build(stub, generator=torch.Generator().manual_seed(seed))


def weights(module):
    return {name: each for name, each in module.named_parameters() if each.dim() == 2}


@pytest.mark.parametrize(
    ("name", "hidden", "proportion"),
    [("dense", 29, 0.0116), ("20 %", 176, 0.066), ("eq. 7", 30, 0.0024), ("eq. 8", 145, 0.221), ("eq. 13", 185, 0.468)],
)
def test_configurations_have_the_sizes_of_the_paper(name, hidden, proportion):
    sizes = blocks.equation(name, *SIZES)
    assert sizes.hidden_proportion == pytest.approx(proportion, rel=0.05)
    net = blocks.block_net(sizes)
    assert net.model == BlockRNN(hidden=hidden)
    present = {block: getattr(net.densities, block) for block in ("hx", "hh", "hy", "yx", "yh", "yy")}
    shapes = {name.removeprefix("recurrence.weight_"): each.numel() for name, each in weights(built(net)).items()}
    total = sum(present[block] * size for block, size in shapes.items())
    assert total == pytest.approx(100_000, rel=0.02), "h is rounded"


def test_lstms_have_about_as_many_weights():
    for name, units, expected in (("LSTM, projected", 11, 110_550), ("LSTM", 10, 100_500)):
        net = blocks.lstms(*SIZES)[name]
        assert net.model.hidden == units and sum(each.numel() for each in weights(built(net)).values()) == expected


@pytest.mark.parametrize("hidden", [130, 185, 260])
@pytest.mark.parametrize("proportion", [0.05, 0.2])
def test_networks_differ_in_hidden_proportion_or_units_alone(hidden, proportion):
    sizes = blocks.trading(*SIZES, hidden=hidden, proportion=proportion)
    assert sizes.total == pytest.approx(100_000) and sizes.hidden_proportion == pytest.approx(proportion)
    assert sizes.hidden == hidden and sizes.densities.yx == sizes.densities.yh == sizes.densities.hy == 1


def test_a_unit_gain_keeps_the_norm_of_rectified_units():
    sizes = blocks.equation("20 %", *SIZES)
    net = blocks.block_net(sizes, gain=1.0)
    weight = built(net).recurrence.weight_hh.detach()
    generator = torch.Generator().manual_seed(1)
    present = torch.rand(weight.shape, generator=generator) < 0.2
    state = torch.randn(176, 500, generator=generator).relu()
    after = ((weight * present) @ state).relu()
    assert float(after.square().sum() / state.square().sum()) == pytest.approx(1, abs=0.1)
    published = blocks.block_net(sizes).model.hh.sd
    assert published == 0.05 and net.model.hh.sd == pytest.approx(math.sqrt(2 / (176 * 0.2)))


@pytest.mark.parametrize("scale", ["smoke", "quick", "paper"])
@pytest.mark.parametrize("name", ["figure1", "figure1-speed", "figure2", "figure6", "controls", "rates"])
def test_experiments_are_of_one_budget_and_task(name, scale):
    table = papers.table(f"blocks/{name}", scale)
    size = blocks.SIZES[scale]
    assert {cell.experiment.task for cell in table.cells} == {size.task}
    assert table.claims and (scale == "smoke" or table.plan.seeds == table.seeds)


def test_figure_6_is_in_the_order_of_the_hidden_proportion():
    table = papers.table("blocks/figure6", "quick")
    assert list(table.rows)[:3] == ["eq. 7", "dense", "20 %"] and len(table.rows) == 9
    nets = {cell.row: cell.experiment for cell in table.cells}
    densities = {row: {each.parameter: each.pattern.density for each in nets[row].masks} for row in table.rows}
    hidden = {row: nets[row].model.hidden for row in table.rows}

    def proportion(row):
        dense = {"hx": 2500, "hh": hidden[row], "hy": 10}
        counts = {name: size * densities[row].get(f"recurrence.weight_{name}", 1) for name, size in dense.items()}
        return counts["hh"] / sum(counts.values())

    shares = [proportion(row) for row in table.rows]
    assert shares == sorted(shares)
