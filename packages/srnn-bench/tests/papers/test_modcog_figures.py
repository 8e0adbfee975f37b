"""Figures of the Mod-Cog paper, made of smoke runs, and the counts of components by a plain search."""

import math
import re

import pytest
import torch
from safetensors.torch import load_file

from srnn_bench import BenchError, Conditions, Result, Store, papers
from srnn_bench.papers import FigureRequest, modcog
from srnn_bench.papers.modcog.figures import (
    SUBTASKS,
    SizeAccuracies,
    clusters_and_accuracy,
    component_means,
    judge_density,
    shown_networks,
    trial_of,
)
from srnn_bench.training import describe
from srnn_masks import FixedInDegree

NETWORKS = ("LM d = 0", "LM d = 1", "LM d = 2", "dense")


def text_of(paths):
    (path,) = (path for path in paths if path.suffix == ".md")
    return path.read_text()


def test_clusters_of_trained_networks_are_drawn_and_counted(drawn, rows_of):
    paths = drawn("modcog/clusters")
    assert set(paths[0].parent.iterdir()) == set(paths)
    assert len([path for path in paths if path.suffix == ".png"]) == 5 + 1  # and the weights of the autapses
    rows = rows_of(text_of(paths))
    assert len(rows) == 2 + 5  # head and rule
    assert "20 tasks, N = 25, LM d = 0, seed 0" in rows
    head, row = rows["network"], rows["84 tasks, N = 25, dense, seed 0"]
    assert head[:3] == ["active units", "clusters", "silhouette"] and head[3:] == list(SUBTASKS)
    assert 0 < int(row[0]) <= 25 and 2 <= int(row[1]) <= int(row[0]) and -1 <= float(row[2]) <= 1
    assert all("p " in cell for cell in row[3:])


def test_every_network_of_the_paper_is_shown_once_and_by_its_name():
    shown = [(table.name, row) for table, row, _ in shown_networks("paper")]
    masks = [("modcog/figure7b", f"LM d = {radius}") for radius in (0, 1, 2, 4, 6, 8, 10)]  # 15 and 20 allow everything
    large = [("modcog/figure5", "LM d = 10"), ("modcog/figure5", "dense")]  # Figures 11 and 12
    assert shown == [("modcog/figure2a", "LM d = 0"), *masks, ("modcog/figure7b", "dense"), *large]


def test_accuracies_by_task_are_those_of_a_plain_count(drawn, results, rows_of):
    paths, store = drawn("modcog/tasks"), Store(results)
    assert {path.suffix for path in paths} == {".md", ".png", ".svg"}
    found = rows_of(text_of(paths))
    assert found["task"] == [*(f"{row}, N = 25 (1)" for row in NETWORKS), "always fixate"]
    (cell,) = (
        cell for cell in papers.table("modcog/figure5", "smoke").cells if cell.name.endswith("dense, decision accuracy")
    )
    experiment, names = cell.experiment, cell.experiment.task.names
    source = experiment.task.open(device="cpu", generator=torch.Generator().manual_seed(3))
    network = experiment.model.build(source.spec, generator=torch.Generator().manual_seed(4))
    result = store.get(experiment.key(0))
    weights = load_file(store.folder / "weights" / result.key / "trained.safetensors")
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    steps, right, withheld = ([0] * len(names) for _ in range(3))
    for batch in source.held_out("test", generator=torch.Generator().manual_seed(0)):
        answers = network(batch.inputs)[0].argmax(-1)
        for t, b in batch.weight.bool().nonzero().tolist():
            if batch.info["period"][t, b] == 4:
                slot = int(batch.info["task"][t, b])
                steps[slot] += 1
                right[slot] += int(answers[t, b] == batch.targets[t, b])
                withheld[slot] += int(not batch.info["respond"][t, b])
    for slot, name in enumerate(names):
        line = found[f"{slot + 1} {name}"]
        assert line[-2:] == [f"{count[slot] / steps[slot]:.2g}" for count in (right, withheld)]


def test_networks_without_weights_are_an_error_with_the_command(tmp_path):
    with pytest.raises(BenchError, match="srnn run modcog/figure2a --scale smoke --save-weights"):
        papers.figure("modcog/clusters").draw(FigureRequest(Store(tmp_path / "empty"), "smoke", tmp_path))


FALLING = {"a": [(0.9, 5), (0.8, 6)], "b": [(0.5, 9), (0.4, 12)], "c": [(0.6, 8)], "d": [(0.3, 20)], "e": [(0.2, 30)]}
RISING = {row: [(1 - accuracy, count) for accuracy, count in runs] for row, runs in FALLING.items()}


@pytest.mark.parametrize(
    ("battery", "verdict"),
    [
        (FALLING, "over 5 networks: -1.00, p = 0.017: supported"),  # 2 of 120 orders
        (RISING, "over 5 networks: 1.00, p = 0.017: contradicted"),
        (FALLING | {"f": [(0.95, 40)]}, r"over 6 networks: -0\.\d\d, p = .*: undecided"),
        ({row: FALLING[row] for row in "abcd"}, "Too few"),
        ({row: [(accuracy, 5) for accuracy, _ in runs] for row, runs in FALLING.items()}, "Too few"),
    ],
)
def test_whether_better_networks_have_fewer_clusters(battery, verdict):
    text = clusters_and_accuracy(battery)
    assert re.search(verdict, text), text
    best = max(battery, key=lambda row: sum(accuracy for accuracy, _ in battery[row]) / len(battery[row]))
    assert f"the most accurate is {best}." in text


def test_seeds_of_a_network_are_not_networks():
    many = {row: runs * 10 for row, runs in FALLING.items()}
    verdicts = [clusters_and_accuracy(each).split("Rank")[1] for each in (FALLING, many)]
    assert verdicts[0] == verdicts[1]


def test_clusters_over_training(drawn, rows_of):
    paths = drawn("modcog/figure7b")
    assert {path.suffix for path in paths} == {".png", ".svg", ".md"}
    rows = rows_of(text_of(paths))
    assert rows["network"] == ["3 steps", "6 steps"]
    assert all(int(count) >= 2 for count in (*rows["LM d = 0"], *rows["dense"]))


@pytest.fixture
def figure5d(tmp_path):
    """Return a function that draws Figure 5d of runs with given decision accuracies, by row and size, one per seed."""
    environment = describe("cognitive", Conditions("cpu"))

    def draw(accuracies):
        store = Store(tmp_path / "results")
        for cell in papers.table("modcog/figure7a", "smoke").cells:
            for seed, accuracy in enumerate(accuracies.get((cell.row, cell.column), ())):
                stage = {"name": cell.stage, "metrics": {"decision_accuracy": accuracy}, "densities": {}, "history": ()}
                stage |= {"steps": 1, "step_ms": 1.0, "peak_memory_mb": None}
                run = {"key": cell.experiment.key(seed), "experiment": cell.experiment, "seed": seed, "status": "done"}
                run |= {"stages": [stage], "environment": environment, "seconds": 1.0}
                store.put(Result.model_validate(run))
        paths = papers.figure("modcog/figure5d").draw(FigureRequest(store, "smoke", tmp_path))
        assert {path.suffix for path in paths} == {".md", ".png", ".svg"}
        return text_of(paths)

    return draw


def test_the_best_density_by_size(figure5d, rows_of):
    text = figure5d(
        {
            (row, "N = 25"): (0.9, 0.1) if row == "LM d = 2" else (0.2, 0.8 if row == "dense" else 0.3)
            for row in NETWORKS
        }
        | {(row, "N = 36"): (0.7, 0.8) if row == "LM d = 0" else (0.2, 0.3) for row in NETWORKS}
    )
    rows = rows_of(text)
    assert rows["N = 25"] == ["LM d = 2, dense", "0.76 ± 0.34 (2)"]  # 13 of 25, and all
    assert rows["N = 36"] == ["LM d = 0, LM d = 0", f"{1 / 36:.2g} ± 0 (2)"]
    slopes = [math.log10(1 / 36) - math.log10(density) for density in (13 / 25, 1)]
    assert f"as N to the power {sum(slopes) / 2 / math.log10(36 / 25):.2f} (n = 4, p = " in text


def sizes_of(best, seeds=4):
    """Return sizes whose most accurate row, of three, has that number; the grid of densities falls with N."""
    sizes = []
    for size, row in enumerate(best):
        accuracies = torch.full((seeds, 3), 0.1)
        accuracies[:, row] = 0.9
        sizes.append(SizeAccuracies(2.0 + 0.1 * size, torch.tensor([-2.0, -1.0, 0.0]) - 0.1 * size, accuracies))
    return sizes


@pytest.mark.parametrize(
    ("best", "verdict"), [((2, 2, 0, 0), "supported"), ((0, 0, 2, 2), "contradicted"), ((1, 1, 1, 1), "undecided")]
)
def test_the_verdict_on_the_best_density(best, verdict):
    text = judge_density(sizes_of(best), deals=499)
    assert text.endswith(f": {verdict}."), text


def test_accuracies_that_do_not_depend_on_density_are_seldom_judged():
    generator = torch.Generator().manual_seed(5)
    undecided = []
    for _ in range(60):
        sizes = [
            SizeAccuracies(one.units, one.densities, torch.rand(one.accuracies.shape, generator=generator))
            for one in sizes_of((0, 0, 0, 0))
        ]
        undecided.append(judge_density(sizes, deals=199).endswith(": undecided."))
    assert sum(undecided) >= 50, "at 5 % about 57"


def test_the_best_density_needs_all_runs_of_a_size(figure5d):
    with pytest.raises(BenchError, match="srnn run modcog/figure7a --scale smoke"):
        figure5d({("LM d = 0", "N = 25"): (0.5,)})


def test_trials_of_figure_4_are_drawn(drawn):
    assert {path.name for path in drawn("modcog/figure4")} == {"modcog-figure4.svg", "modcog-figure4.png"}
    for name, delay in (("dlygo-intl", 3), ("dlygo-intl", 8), ("go-seqr", None)):
        batch = trial_of(name, delay)
        direction = int(batch.inputs[6, 0, 1:33].argmax()) % 16  # in the stimulus period
        answers = batch.targets[batch.info["period"] == 4].tolist()
        if delay is None:
            assert answers == [1 + (direction + step) % 16 for step in range(10)]
        else:
            assert set(answers) == {1 + (direction - delay) % 16}


def reached(mask, start, backwards=False):
    """Return the units that `start` reaches, by a plain search along the mask's connections (row = target)."""
    seen, todo = {start}, [start]
    while todo:
        unit = todo.pop()
        row = mask[unit] if backwards else mask[:, unit]
        for other in row.nonzero()[:, 0].tolist():
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return frozenset(seen)


@pytest.mark.parametrize("degree", [1, 2, 4])
def test_components_are_those_of_a_plain_search(degree):
    counted, n = [], 25
    for seed in range(3):
        mask = FixedInDegree(degree=degree).mask(n, n, generator=torch.Generator().manual_seed(seed))
        weak = {reached(mask | mask.T, unit) for unit in range(n)}
        strong = {reached(mask, unit) & reached(mask, unit, backwards=True) for unit in range(n)}
        silent = sum(len(reached(mask, unit)) == 1 for unit in range(n)) / n
        largest = [max(map(len, parts)) / n for parts in (weak, strong)]
        counted.append((len(weak), largest[0], len(strong), largest[1], silent, len(weak) == 1))
    means = [sum(each) / 3 for each in zip(*counted, strict=True)]
    assert component_means(FixedInDegree(degree=degree), n, draws=3) == pytest.approx(means)


def test_autapses_are_as_many_components_as_units_and_masks_are_one(drawn, rows_of):
    rows = rows_of(text_of(drawn("modcog/components")))
    n = modcog.SIZES["smoke"].side ** 2
    assert rows["LM d = 0"][:3] == ["1", str(n), f"{1 / n:g}"]
    assert rows["LM d = 1"] == ["5", "1", "1", "1", "1", "0", "1"]
