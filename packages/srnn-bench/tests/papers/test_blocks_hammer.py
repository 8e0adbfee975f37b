"""Tables of arXiv 2509.15057 on Adroit Hammer: sizes of the networks, what the controls keep equal, data, a run."""

import math
import os
import re

import pytest
import torch

from srnn_bench import Conditions, papers, run
from srnn_bench.papers import blocks
from srnn_masks import apply, hidden_proportion
from srnn_tasks import TaskError
from srnn_tasks.robotics import record

INPUTS, OUTPUTS = 46, 26
TABLES = (
    "hammer",
    "hammer-before",
    "hammer-mean",
    "hammer-large",
    "hammer-return",
    "hammer-success",
    "hammer-controls",
)
SCALES = ("smoke", "quick", "paper")


def nets(name, scale="quick"):
    """Return the experiments of a table by row; those of a row differ in the task alone."""
    return {cell.row: cell.experiment for cell in papers.table(f"blocks/{name}", scale).cells}


def built(experiment, seed=0):
    """Return the network of an experiment with its masks applied."""
    spec = type("Spec", (), {"inputs": INPUTS, "outputs": OUTPUTS, "start": None, "tokens": False})()
    generator = torch.Generator().manual_seed(seed)
    module = experiment.model.build(spec, generator=generator)
    for masked in experiment.masks:
        rows, columns = dict(module.named_parameters())[masked.parameter].shape
        apply(module, {masked.parameter: masked.pattern.mask(rows, columns, generator=generator)})
    return module


def present(experiment):
    """Return the expected number of present weights by block: rows * columns * density."""
    densities = {each.parameter: each.pattern.density for each in experiment.masks}
    return {
        name.removeprefix("recurrence.weight_"): each.numel() * densities.get(name, 1)
        for name, each in built(experiment.model_copy(update={"masks": ()})).named_parameters()
        if each.dim() == 2
    }


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("scale", SCALES)
def test_networks_of_a_table_have_one_number_of_weights_and_the_same_training(name, scale):
    size = blocks.HAMMER[scale]
    budget = size.large if name == "hammer-large" else size.budget
    for experiment in nets(name, scale).values():
        assert sum(present(experiment).values()) == pytest.approx(budget, rel=0.03), "units are rounded"
    table = papers.table(f"blocks/{name}", scale)
    assert len({cell.experiment.stages for cell in table.cells}) == 1
    assert len({cell.experiment.task.model_copy(update={"train": None}) for cell in table.cells}) == 1
    assert scale == "smoke" or table.plan.seeds == table.seeds
    assert all(seed > 2 for seed in table.plan.seeds)


@pytest.mark.parametrize("name", ["hammer", "hammer-before", "hammer-large", "hammer-return"])
def test_the_hidden_proportions_that_a_table_names_are_those_of_its_networks(name):
    source = papers.table(f"blocks/{name}", "quick").source
    for row, experiment in nets(name).items():
        (named,) = re.findall(rf"[:,] {re.escape(row)} ([\d.]+) %", source)
        assert float(named) == pytest.approx(100 * hidden_proportion(built(experiment)), abs=1.5), row


@pytest.mark.parametrize(
    ("name", "scale", "expected"),
    [
        ("hammer", "quick", {"balanced": 0.5, "dense": 0.57, "eq. 7": 0.40, "eq. 8": 0.77, "20 %": 0.79}),
        ("hammer-large", "quick", {"balanced": 0.5, "dense": 0.79, "eq. 7": 0.68}),
        ("hammer", "paper", {"balanced": 0.5, "dense": 0.89, "eq. 7": 0.83, "eq. 8": 0.946, "20 %": 0.95}),
    ],
)
def test_configurations_have_the_proportions_that_the_budgets_were_chosen_for(name, scale, expected):
    experiments = nets(name, scale)
    for row, proportion in expected.items():
        counts = present(experiments[row])
        share = counts["hh"] / (counts["hx"] + counts["hh"] + counts["hy"])
        assert share == pytest.approx(proportion, abs=0.006), row


def test_a_perceptron_depends_on_the_observation_of_its_step_alone():
    module = built(nets("hammer")["MLP"])
    inputs = torch.randn(5, 3, INPUTS, generator=torch.Generator().manual_seed(1))
    weight = {name: getattr(module.recurrence, f"weight_{name}").detach() for name in ("hx", "yh")}
    hidden, output = module.recurrence.bias.detach().split([module.hidden, OUTPUTS])
    expected = (inputs @ weight["hx"].T + hidden).relu() @ weight["yh"].T + output
    torch.testing.assert_close(module(inputs)[0].detach(), expected)


@pytest.mark.parametrize("scale", SCALES)
def test_controls_differ_in_gain_proportion_or_units_alone(scale):
    experiments = nets("hammer-controls", scale)
    for row in ("balanced", "eq. 7", "eq. 8", "dense", "20 %"):
        usual, unit = experiments[row], experiments[f"{row}, unit gain"]
        assert usual.masks == unit.masks and usual.model.hidden == unit.model.hidden
        assert usual.model == nets("hammer", scale)[row].model
        inputs = present(unit)["hh"] / unit.model.hidden  # present weights of a hidden unit
        assert unit.model.hh.sd == pytest.approx(math.sqrt(2 / inputs))
    by_proportion = [each for row, each in experiments.items() if row.startswith("equal units")]
    by_units = [each for row, each in experiments.items() if row.startswith("equal proportion")]
    assert (
        len({each.model.hidden for each in by_proportion}) == 1 and len({each.model.hidden for each in by_units}) == 3
    )
    counts = [present(each) for each in by_proportion + by_units]
    shares = [each["hh"] / (each["hx"] + each["hh"] + each["hy"]) for each in counts]
    assert shares == pytest.approx([0.25, 0.375, 0.5, 0.625, 0.5, 0.5, 0.5])


@pytest.mark.parametrize("hidden", [107, 150, 250])
def test_the_limits_of_the_proportion_are_those_of_possible_densities(hidden):
    sizes = (INPUTS, OUTPUTS, 20_000)
    limits = blocks.proportions(*sizes, hidden=hidden)
    for proportion, step in zip(limits, (1e-3, -1e-3), strict=True):
        assert blocks.trading(*sizes, hidden=hidden, proportion=proportion + step).total == pytest.approx(20_000)
        with pytest.raises(ValueError, match="Densities"):
            blocks.trading(*sizes, hidden=hidden, proportion=proportion - step)


def test_networks_learn_from_fewer_demonstrations_in_as_many_steps():
    table = papers.table("blocks/hammer-return", "quick")
    assert [cell.experiment.task.train for cell in table.cells if cell.row == "eq. 7"] == [5, 10, 25, 50]
    (training,) = {cell.experiment.stages[0].training for cell in table.cells}
    assert training.epochs * training.batches == blocks.HAMMER["quick"].steps == 25 * 29
    successes = papers.table("blocks/hammer-success", "quick")
    assert [cell.experiment for cell in successes.cells] == [cell.experiment for cell in table.cells]


def test_without_simulator_or_data_a_run_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    with pytest.raises(TaskError, match=r"srnn-tasks\[robotics\]|record\(60, actions='noisy'\)"):
        run(nets("hammer", "smoke")["dense"], seed=0, conditions=Conditions("cpu"))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Record the demonstrations of scale smoke in a folder of this test."""
    pytest.importorskip("mujoco", reason="requires the extra [robotics] of srnn-tasks")
    if "SRNN_DATA" not in os.environ:
        pytest.skip("SRNN_DATA is not set: no policy of the expert")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINARI_DATASETS_PATH", str(tmp_path_factory.mktemp("minari")))
        record(60, actions="noisy")
        yield


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("name", ["hammer", "hammer-return"])
def test_a_smoke_run_fills_a_row(name):
    cells = [cell for cell in papers.table(f"blocks/{name}", "smoke").cells if cell.row == "eq. 7"]
    (stage,) = run(cells[0].experiment, seed=0, conditions=Conditions("cpu")).stages
    read = [cell.reading(stage) for cell in cells if cell.experiment == cells[0].experiment]
    assert read and all(math.isfinite(value) for value in read)


@pytest.mark.usefixtures("recorded")
def test_the_failure_threshold_is_the_variance_of_the_actions():
    source = nets("hammer", "smoke")["dense"].task.open(device="cpu", generator=torch.Generator())
    actions = source.draw(54, generator=torch.Generator()).targets.flatten(0, 1)  # (10800, 26) of all training episodes
    variance = (actions - actions.mean(0)).square().mean()
    assert 1000 * variance == pytest.approx(papers.table("blocks/hammer", "quick").plan.failure_threshold, rel=0.05)
