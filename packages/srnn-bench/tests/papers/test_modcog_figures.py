"""The figures of arXiv 2207.03523, made of smoke runs, and the counts of components by a plain search."""

import math
import re
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from srnn_bench import Conditions, Job, Store, Watcher, sweep
from srnn_bench.analysis import clusters
from srnn_bench.papers import modcog, table
from srnn_bench.papers.modcog import _best_density, _components, _examples, _figures, _places
from srnn_bench.papers.modcog.figures._draw_units import unit_weights
from srnn_masks import FixedInDegree

PLACES = {"modcog/figure2a": ("LM d = 0",), "modcog/figure7b": ("LM d = 0", "LM d = 1", "LM d = 2", "dense")}


def cells_of(text):
    """The rows of the Markdown table of a text, by their first cell."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {line[0]: line[1:] for line in lines}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Smoke runs, one seed of each network, with their weights."""
    jobs = []
    for name, lines in PLACES.items():
        cells = [cell for cell in table(name, "smoke").cells if cell.row in lines]
        jobs += [Job(cell.experiment, 0, cell.name) for cell in cells]
    found = Store(tmp_path_factory.mktemp("runs") / "results")
    sweep(jobs, found, keep_weights=True, conditions=Conditions(device="cpu"), watcher=Watcher())
    return found


def test_clusters_of_trained_networks_are_drawn_and_counted(store, tmp_path, monkeypatch):
    monkeypatch.setattr(_figures, "SHUFFLES", 9)
    paths = _figures.FIGURES["modcog/clusters"](store, "smoke", tmp_path)
    assert set(tmp_path.iterdir()) == set(paths)
    assert len([path for path in paths if path.suffix == ".png"]) == 5 + 1  # and the weights of the autapses
    (text,) = (path.read_text() for path in paths if path.suffix == ".md")
    found = cells_of(text)
    assert len(found) == 2 + 5  # head and rule
    assert "20 tasks, N = 25, LM d = 0, seed 0" in found
    head, row = found["network"], found["84 tasks, N = 25, dense, seed 0"]
    assert head[:3] == ["active units", "clusters", "silhouette"] and head[3:] == list(_figures.SUBTASKS)
    assert 0 < int(row[0]) <= 25 and 2 <= int(row[1]) <= int(row[0]) and -1 <= float(row[2]) <= 1
    assert all("p " in cell for cell in row[3:])


def test_every_network_of_the_paper_is_shown_once_and_by_its_name():
    shown = [(table.name, row) for table, row, _ in _places.places("paper")]
    masks = [("modcog/figure7b", f"LM d = {radius}") for radius in (0, 1, 2, 4, 6, 8, 10)]  # 15 and 20 allow everything
    large = [("modcog/figure5", "LM d = 10"), ("modcog/figure5", "dense")]  # Figures 11 and 12
    assert shown == [("modcog/figure2a", "LM d = 0"), *masks, ("modcog/figure7b", "dense"), *large]


def test_accuracies_by_task_are_those_of_a_plain_count(store, tmp_path):
    paths = _figures.FIGURES["modcog/tasks"](store, "smoke", tmp_path)
    assert set(tmp_path.iterdir()) == set(paths) and {path.suffix for path in paths} == {".md", ".png", ".svg"}
    found = cells_of(next(path for path in paths if path.suffix == ".md").read_text())
    assert found["task"] == [*(f"{row}, N = 25 (1)" for row in PLACES["modcog/figure7b"]), "always fixate"]
    (cell,) = (
        cell for cell in table("modcog/figure5", "smoke").cells if cell.name.endswith("dense, decision accuracy")
    )
    experiment, names = cell.experiment, cell.experiment.task.names
    source = experiment.task.open(device="cpu", generator=torch.Generator().manual_seed(3))
    network = experiment.model.build(source.spec, generator=torch.Generator().manual_seed(4))
    result = store.get(experiment.key(0))
    held = load_file(store.folder / "weights" / result.key / "trained.safetensors")
    network.load_state_dict({name: held[name] for name in network.state_dict()})
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


def test_networks_without_weights_are_an_error_that_tells_the_command(tmp_path):
    with pytest.raises(ValueError, match="srnn run modcog/figure2a --scale smoke --save-weights"):
        _figures.FIGURES["modcog/clusters"](Store(tmp_path / "empty"), "smoke", tmp_path)


FALLING = {"a": [(0.9, 5), (0.8, 6)], "b": [(0.5, 9), (0.4, 12)], "c": [(0.6, 8)], "d": [(0.3, 20)], "e": [(0.2, 30)]}
RISING = {row: [(1 - accuracy, count) for accuracy, count in runs] for row, runs in FALLING.items()}


@pytest.mark.parametrize(
    ("battery", "said"),
    [
        (FALLING, "over 5 networks: -1.00, p = 0.017: supported"),  # 2 of 120 orders
        (RISING, "over 5 networks: 1.00, p = 0.017: contradicted"),
        (FALLING | {"f": [(0.95, 40)]}, r"over 6 networks: -0\.\d\d, p = .*: undecided"),
        ({row: FALLING[row] for row in "abcd"}, "Too few"),
        ({row: [(accuracy, 5) for accuracy, _ in runs] for row, runs in FALLING.items()}, "Too few"),
    ],
)
def test_whether_better_networks_have_fewer_clusters(battery, said):
    text = _figures.clusters_and_accuracy(battery)
    assert re.search(said, text), text
    best = max(battery, key=lambda row: sum(accuracy for accuracy, _ in battery[row]) / len(battery[row]))
    assert f"the most accurate is {best}." in text


def test_seeds_of_a_network_are_not_networks():
    many = {row: runs * 10 for row, runs in FALLING.items()}
    told = [_figures.clusters_and_accuracy(each).split("Rank")[1] for each in (FALLING, many)]
    assert told[0] == told[1]


def test_clusters_over_training(store, tmp_path):
    paths = _figures.FIGURES["modcog/figure7b"](store, "smoke", tmp_path)
    assert {path.suffix for path in paths} == {".png", ".svg", ".md"}
    found = cells_of(next(path for path in paths if path.suffix == ".md").read_text())
    assert found["network"] == ["3 steps", "6 steps"]
    assert all(int(count) >= 2 for count in (*found["LM d = 0"], *found["dense"]))


@pytest.fixture
def sizes(monkeypatch, tmp_path):
    """Give a function that draws Figure 5d of chosen decision accuracies, by row and size, one a seed."""

    def draw(accuracies):
        def summarise(table, store):
            places = ((cell.row, cell.column) for cell in table.cells)
            held = {place: dict(enumerate(accuracies.get(place, ()))) for place in places}
            return SimpleNamespace(cells={place: SimpleNamespace(values=values) for place, values in held.items()})

        monkeypatch.setattr(_best_density, "summarise", summarise)
        paths = _figures.FIGURES["modcog/figure5d"](Store(tmp_path / "none"), "smoke", tmp_path)
        assert {path.suffix for path in paths} == {".md", ".png", ".svg"}
        return next(path for path in paths if path.suffix == ".md").read_text()

    return draw


def test_the_best_density_by_size(sizes):
    rows = ("LM d = 0", "LM d = 1", "LM d = 2", "dense")
    text = sizes(
        {(row, "N = 25"): (0.9, 0.1) if row == "LM d = 2" else (0.2, 0.8 if row == "dense" else 0.3) for row in rows}
        | {(row, "N = 36"): (0.7, 0.8) if row == "LM d = 0" else (0.2, 0.3) for row in rows}
    )
    found = cells_of(text)
    assert found["N = 25"] == ["LM d = 2, dense", "0.76 ± 0.34 (2)"]  # 13 of 25, and all
    assert found["N = 36"] == ["LM d = 0, LM d = 0", f"{1 / 36:.2g} ± 0 (2)"]
    slopes = [math.log10(1 / 36) - math.log10(density) for density in (13 / 25, 1)]
    assert f"as N to the power {sum(slopes) / 2 / math.log10(36 / 25):.2f} (n = 4, p = " in text


def sizes_of(best, seeds=4):
    """Sizes whose most accurate row, of three, is the one of that number; the grid of densities falls with N."""
    found = []
    for size, place in enumerate(best):
        accuracies = torch.full((seeds, 3), 0.1)
        accuracies[:, place] = 0.9
        found.append(_best_density.Size(2.0 + 0.1 * size, torch.tensor([-2.0, -1.0, 0.0]) - 0.1 * size, accuracies))
    return found


@pytest.mark.parametrize(
    ("best", "verdict"), [((2, 2, 0, 0), "supported"), ((0, 0, 2, 2), "contradicted"), ((1, 1, 1, 1), "undecided")]
)
def test_the_verdict_on_the_best_density(best, verdict):
    text = _best_density.judged(sizes_of(best))
    assert text.endswith(f": {verdict}."), text


def test_accuracies_that_do_not_depend_on_density_are_seldom_judged(monkeypatch):
    monkeypatch.setattr(_best_density, "DEALS", 199)
    generator = torch.Generator().manual_seed(5)
    judged = []
    for _ in range(60):
        sizes = [
            _best_density.Size(one.units, one.densities, torch.rand(one.accuracies.shape, generator=generator))
            for one in sizes_of((0, 0, 0, 0))
        ]
        judged.append(_best_density.judged(sizes).endswith(": undecided."))
    assert sum(judged) >= 50, "at 5 % about 57"


def test_the_best_density_wants_a_whole_column(sizes):
    with pytest.raises(ValueError, match="srnn run modcog/figure7a --scale smoke"):
        sizes({("LM d = 0", "N = 25"): (0.5,)})


def test_trials_of_figure_4_are_drawn(tmp_path):
    paths = _figures.FIGURES["modcog/figure4"](Store(tmp_path / "none"), "smoke", tmp_path)
    assert {path.name for path in paths} == {"modcog-figure4.svg", "modcog-figure4.png"}
    for name, delay in (("dlygo-intl", 3), ("dlygo-intl", 8), ("go-seqr", None)):
        batch = _examples._trial(name, delay)
        shown = int(batch.inputs[6, 0, 1:33].argmax()) % 16  # the direction, in the stimulus period
        answers = batch.targets[batch.info["period"] == 4].tolist()
        if delay is None:
            assert answers == [1 + (shown + step) % 16 for step in range(10)]
        else:
            assert set(answers) == {1 + (shown - delay) % 16}


def test_weights_of_units_are_drawn_by_cluster():
    points = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.9, 0.0], [0.0, 0.8], [0.95, 0.0]])
    clustering = clusters(points)
    weights = torch.arange(10.0).view(2, 5)
    drawing = unit_weights("name", "title", {"input": weights, "itself": weights[:1]}, clustering)
    first, second, _ = drawing.figure.axes
    assert first.images[0].get_array().tolist() == weights[:, clustering.order].tolist()
    assert second.images[0].get_array().shape == (1, 5)
    assert drawing.caption == "Weights of 5 units in 2 clusters; rows: input 2, itself 1."
    with pytest.raises(ValueError, match=r"output: expected shape \(rows, 5\), got \(2, 4\)"):
        unit_weights("name", "title", {"output": weights[:, :4]}, clustering)


def reached(mask, start, backwards=False):
    """The units that `start` reaches, by a plain search along the mask's connections (row = target)."""
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
def test_components_are_those_of_a_plain_search(monkeypatch, degree):
    monkeypatch.setattr(_components, "DRAWS", 3)
    found, n = [], 25
    for seed in range(3):
        mask = FixedInDegree(degree=degree).mask(n, n, generator=torch.Generator().manual_seed(seed))
        weak = {reached(mask | mask.T, unit) for unit in range(n)}
        strong = {reached(mask, unit) & reached(mask, unit, backwards=True) for unit in range(n)}
        silent = sum(len(reached(mask, unit)) == 1 for unit in range(n)) / n
        largest = [max(map(len, parts)) / n for parts in (weak, strong)]
        found.append((len(weak), largest[0], len(strong), largest[1], silent, len(weak) == 1))
    means = [sum(each) / 3 for each in zip(*found, strict=True)]
    told = [float(cell) for cell in _components._measured(FixedInDegree(degree=degree), n)]
    assert told == pytest.approx(means, rel=5e-3)


def test_autapses_are_as_many_components_as_units_and_masks_are_one(tmp_path):
    (path,) = _figures.FIGURES["modcog/components"](Store(tmp_path / "none"), "smoke", tmp_path)
    found = cells_of(path.read_text())
    n = modcog.SIZES["smoke"].side ** 2
    assert found["LM d = 0"][:3] == ["1", str(n), f"{1 / n:g}"]
    assert found["LM d = 1"] == ["5", "1", "1", "1", "1", "0", "1"]
