"""Parents of block RNNs: their tasks, random networks, features, proposals, and the table of the children."""

import json
import math

import numpy as np
import pytest
import torch

from srnn_bench import Conditions, Result, StageResult, Store
from srnn_bench.experiment import Epoch
from srnn_bench.papers import FigureRequest
from srnn_bench.papers.blocks.parent import (
    PARENTS,
    Parent,
    ShareBeaten,
    Trained,
    as_json,
    features,
    parent_draws,
    parent_table,
    propose,
    random_networks,
    settings,
    trained,
    write_proposals,
)
from srnn_bench.tables import FilledCell, HeldOut
from srnn_bench.training import describe
from srnn_masks import Blocks, Densities

QUICK = settings("quick")
ENVIRONMENT = describe("adding", Conditions("cpu"))
NEEDS_DATA = {"anomaly", "digits", "hammer"}


@pytest.mark.parametrize("scale", ["smoke", "quick", "paper"])
def test_the_sizes_of_a_setting_are_those_of_its_task(scale: str) -> None:
    generator = torch.Generator().manual_seed(0)
    for name, setting in settings(scale).items():
        outline = setting.task.outline(1)
        if outline is not None:
            assert (setting.inputs, setting.outputs, setting.steps) == (outline.inputs, outline.outputs, outline.steps)
        elif setting.family not in NEEDS_DATA:
            source = setting.task.open(device="cpu", generator=generator)
            assert (setting.inputs, setting.outputs) == (source.spec.inputs, source.spec.outputs), name
            assert setting.metric in [metric.name for metric in source.spec.metrics]
            lengths = next(source.batches(200, generator=generator)).weight.sum(0)
            typical = float(lengths.mean()) if setting.family == "cognitive" else setting.steps
            assert setting.steps == pytest.approx(typical, abs=1)


def test_there_are_ten_tasks_and_twenty_groups_of_fifty_networks() -> None:
    table = parent_draws("blocks/parent-draws", "quick")
    assert len(QUICK) == 10 and len(table.columns) == 20 and len(table.rows) == 50
    assert len({cell.experiment for cell in table.cells}) == 1000


@pytest.mark.parametrize("name", QUICK)
def test_random_networks_have_the_budget_and_log_uniform_densities(name: str) -> None:
    setting = QUICK[name]
    for budget in setting.budgets:
        drawn = random_networks(setting, budget, 300, (7, budget))
        assert drawn == random_networks(setting, budget, 300, (7, budget))
        for blocks in drawn:
            assert 4 <= blocks.hidden <= 400 and blocks.hidden == int(blocks.hidden)
            assert blocks.total == pytest.approx(budget, rel=0.12), "the units are rounded"
            assert all(0.05 <= each <= 1 for each in blocks.densities.model_dump(exclude={"kind"}).values())
    densities = np.array([each.densities.yy for each in random_networks(setting, setting.budgets[1], 2000, (8,))])
    assert np.median(densities) == pytest.approx(math.sqrt(0.05), rel=0.15), "W_yy is too small to be drawn again"


def test_features_are_shares_and_ratios() -> None:
    blocks = Blocks(inputs=4, hidden=6, outputs=2, densities=Densities(hx=0.5, hh=0.25, hy=1, yx=0.5, yh=0.25, yy=0.5))
    found = features(blocks, 30)
    counts = {"hx": 12, "hh": 9, "hy": 12, "yx": 4, "yh": 3, "yy": 2}
    assert {name: found[f"share {name}"] for name in counts} == pytest.approx({k: v / 42 for k, v in counts.items()})
    others = {name: value for name, value in found.items() if not name.startswith("share")}
    assert others == pytest.approx(
        {
            "hidden proportion": 9 / 33,
            "hidden units per input": 1.5,
            "outputs per input": 0.5,
            "log weights": math.log(42),
            "steps": 30,
            "gain": 6 * 0.25 * 0.05**2 / 2,
        }
    )


def test_ranks_go_from_0_to_1_and_a_diverged_run_is_last() -> None:
    blocks = (Blocks(inputs=1, hidden=1, outputs=1),) * 5
    assert Trained("a", 1, blocks, (0.3, 0.1, math.inf, 0.2, 0.2)).ranks.tolist() == [0.75, 0.0, 1.0, 0.375, 0.375]


def law(aim: float, seed: int = 5, count: int = 20) -> list[Trained]:
    """Random networks of all tasks whose loss is how far the hidden proportion is from `aim`."""
    groups = []
    for name, setting in QUICK.items():
        for budget in setting.budgets:
            blocks = random_networks(setting, budget, count, (seed, budget))
            losses = tuple(abs(each.hidden_proportion - aim) for each in blocks)
            groups.append(Trained(name, budget, tuple(blocks), losses))
    return groups


@pytest.mark.slow
@pytest.mark.parametrize("name", PARENTS)
def test_a_parent_finds_a_law_that_all_tasks_share(name: str) -> None:
    pytest.importorskip("sklearn")
    few = {task: QUICK[task] for task in ("hammer", "digits by rows", "20 cognitive tasks", "6 interval tasks")}
    groups = [group for group in law(0.8) if group.task in few]
    proposals = propose(groups, few, {name: PARENTS[name]})
    assert list(proposals) == [name] and list(proposals[name]) == list(few)
    found = [proposals[name][group.task][group.budget].hidden_proportion for group in groups]
    assert np.median(np.abs(np.array(found) - 0.8)) < 0.06


class Nearest:
    """The rank of the most similar network that was seen."""

    def fit(self, rows, ranks):
        self.rows, self.ranks = rows, ranks

    def predict(self, rows):
        return self.ranks[((rows[:, None] - self.rows) ** 2).sum(-1).argmin(1)]


def test_a_parent_does_not_see_the_task_that_it_proposes_for() -> None:
    """A task whose law is another one changes the proposals for others, not its own, nor those of its family."""
    own, sister = "digits by rows", "digits by 16 pixels"
    groups = law(0.8, count=5)
    changed = [
        Trained(each.task, each.budget, each.blocks, tuple(-loss for loss in each.losses)) if each.task == own else each
        for each in groups
    ]
    parents = {"all": Parent(Nearest), "families": Parent(Nearest, other_families=True)}
    before, after = propose(groups, QUICK, parents), propose(changed, QUICK, parents)
    assert before["all"][own] == after["all"][own] and before["families"][own] == after["families"][own]
    assert before["all"][sister] != after["all"][sister]
    assert before["families"][sister] == after["families"][sister]
    assert before["families"] != after["families"]


def stage(name: str = "trained", **metrics: float) -> StageResult:
    history = (Epoch(loss=0.0, penalty=0.0, density=1.0, metrics=metrics),)
    return StageResult(
        name=name, metrics=metrics, densities={}, history=history, steps=1, step_ms=1.0, peak_memory_mb=None
    )


def test_share_beaten_counts_random_networks() -> None:
    losses = (0.1, 0.5, 0.6, 0.9, math.inf)
    assert ShareBeaten(HeldOut("loss"), losses)(stage(loss=0.5)) == pytest.approx(100 * 3.5 / 5)


def made_up() -> dict:
    """Proposals without a parent: the first random network of each group."""
    groups = law(0.5, count=4)
    first = {name: {} for name in PARENTS}
    for group in groups:
        for by_task in first.values():
            by_task.setdefault(group.task, {})[group.budget] = group.blocks[0]
    return json.loads(json.dumps(as_json(groups, first)))


@pytest.mark.parametrize("scale", ["smoke", "quick", "paper"])
def test_the_table_has_a_row_per_parent_and_rule(scale: str) -> None:
    table = parent_table("blocks/parent", scale, made_up())
    assert table.rows == (*PARENTS, "balanced", "dense")
    assert len(table.columns) == 20 and len(table.cells) == 100


def test_a_row_is_worth_the_best_of_k_random_networks() -> None:
    """The best of three beats three quarters of the others on average."""
    table = parent_table("blocks/parent", "quick", made_up())

    class Known(FilledCell):
        mean = 75.0

    cells = {cell.place: Known(cell, {}) for cell in table.cells}
    sentences = table.remarks(cells)
    assert len(sentences) == len(table.rows)
    assert all("worth the best of 3.0 random networks" in each for each in sentences)
    assert all("3.0 to 3.0" in each for each in sentences)


def store_of(folder, table, losses: dict[tuple[str, str], float | None]) -> Store:
    """A store of runs with these losses by place, infinite for a run that diverged and None for one that failed."""
    store = Store(folder)
    for job, cell in zip(table.jobs(), table.cells, strict=True):
        loss = losses[cell.place]
        status = "failed" if loss is None else "diverged" if math.isinf(loss) else "done"
        stages = [stage(**{cell.reading.metric: loss})] if status == "done" else []
        fields = {"key": job.key, "experiment": job.experiment, "seed": job.seed, "status": status, "stages": stages}
        store.put(Result.model_validate({**fields, "environment": ENVIRONMENT, "seconds": 1.0}), label=job.label)
    return store


def test_losses_are_read_from_the_runs(tmp_path) -> None:
    table = parent_draws("blocks/parent-draws", "smoke")
    losses: dict[tuple[str, str], float | None] = {cell.place: 1.0 + n for n, cell in enumerate(table.cells)}
    first, second, third = [cell.place for cell in table.cells][:3]
    losses |= {first: math.inf, second: 0.25, third: None}
    groups = trained(store_of(tmp_path, table, losses), "smoke")
    assert groups[0].losses == (math.inf, 0.25)
    assert len(groups[1].blocks) == len(groups[1].losses) == 1, "a failed run says nothing about the network"
    assert [loss for group in groups[2:] for loss in group.losses] == list(losses.values())[4:]


@pytest.mark.slow
def test_a_file_of_proposals_gives_a_table(tmp_path) -> None:
    pytest.importorskip("sklearn")
    draws = parent_draws("blocks/parent-draws", "smoke")
    losses = {cell.place: 1.0 + n for n, cell in enumerate(draws.cells)} | {draws.cells[0].place: math.inf}
    store = store_of(tmp_path / "store", draws, losses)
    (path,) = write_proposals(FigureRequest(store, "smoke", tmp_path / "figures"))
    kept = json.loads(path.read_text())
    group = kept["anomaly, 50 pixels"]["50000"]
    assert group["losses"] == [2.0] and group["diverged"] == 1 and set(group["proposals"]) == set(PARENTS)
    table = parent_table("blocks/parent", "smoke", kept)
    assert table.cells[0].reading.losses == (2.0, math.inf)
    assert len({cell.experiment.model.hidden for cell in table.cells}) > 20
