"""Tasks of arXiv 2509.15057: the facts of its Table II, and the sizes of the tasks that balance carries over to."""

import pytest
import torch

from srnn_bench import papers
from srnn_bench.papers import blocks
from srnn_masks import Blocks, Densities
from srnn_tasks import RandomAnomaly


def test_the_task_of_adroit_hammer_has_the_facts_of_table_2():
    task = blocks.HAMMER["paper"].task
    outline = task.outline(1)
    assert (task.episodes, outline.steps, outline.inputs, outline.outputs) == (5000, 200, 46, 26)
    assert task.sizes(5000)["train"] == 4500 and sum(task.sizes(5000).values()) == 5000


def test_the_task_of_random_anomaly_detection_has_the_facts_of_table_2():
    task = blocks.SIZES["paper"].task
    outline = task.outline(1)
    assert (task.series, task.images, outline.inputs, outline.outputs) == (30_000, 9, 2500, 10)
    assert task == RandomAnomaly(held_out=1000, split="shared", shuffle=False) and outline.steps == 9 + 1, "and a blank"


@pytest.mark.parametrize("scale", ["smoke", "quick", "paper"])
def test_networks_of_each_task_of_carry_over_have_one_number_of_weights(scale):
    table = papers.table("blocks/carry-over", scale)
    for column in table.columns:
        cells = [cell for cell in table.cells if cell.column == column]
        task = cells[0].experiment.task
        outline = task.outline(1)
        if outline is None:  # the sizes of the cognitive tasks are known once they are opened
            outline = task.open(device="cpu", generator=torch.Generator()).spec
        for cell in cells:
            model, masks = cell.experiment.model, cell.experiment.masks
            densities = {each.parameter.removeprefix("recurrence.weight_"): each.pattern.density for each in masks}
            sizes = Blocks(
                inputs=outline.inputs,
                hidden=model.hidden,
                outputs=outline.outputs,
                densities=Densities(**densities),
            )
            assert sizes.total == pytest.approx({"smoke": 5000, "quick": 30_000, "paper": 100_000}[scale], rel=0.03)
            assert cell.row != "balanced" or sizes.hidden_proportion == pytest.approx(0.5, abs=0.01)
            assert model.reads == "after"
        assert len({cell.experiment.stages for cell in cells}) == 1


def test_a_network_that_gives_one_answer_has_failed():
    threshold = papers.table("blocks/carry-over", "quick").plan.failure_threshold
    task = next(
        cell.experiment.task for cell in papers.table("blocks/carry-over", "quick").cells if "20 c" in cell.column
    )
    source = task.open(device="cpu", generator=torch.Generator())
    never, steps = torch.zeros(20), torch.zeros(20)  # decision steps without an answer, and all of them, by task
    for batch in source.held_out("test", generator=torch.Generator().manual_seed(1)):
        decision = batch.info["period"] == 4
        steps += batch.info["task"][decision].bincount(minlength=20)
        never += batch.info["task"][decision & (batch.targets == 0)].bincount(minlength=20)
    assert 0.8 * threshold < 100 * (never / steps).mean() < threshold
    assert threshold > 100 * 1135 / 10_000, "the share of ones of the test images of MNIST"
