"""The figures of arXiv 2207.03523, made of smoke runs, and the counts of components by a plain search."""

from dataclasses import replace

import pytest
import torch

from srnn_bench import Conditions, Job, Quiet, Store, sweep
from srnn_bench.papers import modcog, table
from srnn_bench.papers.modcog import _components, _figures
from srnn_masks import FixedInDegree

PLACES = {"modcog/figure2a": ("LM d = 0",), "modcog/figure5": ("LM d = 0", "LM d = 1", "LM d = 2", "dense")}


def cells_of(text):
    """The rows of the Markdown table of a text, by their first cell."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {line[0]: line[1:] for line in lines}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Smoke runs, one seed of each network, with their weights."""
    jobs = []
    for name, lines in (*PLACES.items(), ("modcog/figure7b", ("LM d = 0", "dense"))):
        cells = [cell for cell in table(name, "smoke").cells if cell.row in lines]
        jobs += [Job(cell.experiment, 0, cell.name) for cell in cells]
    found = Store(tmp_path_factory.mktemp("runs") / "results")
    sweep(jobs, found, keep_weights=True, conditions=Conditions(device="cpu"), watcher=Quiet())
    return found


def test_clusters_of_trained_networks_are_drawn_and_counted(store, tmp_path, monkeypatch):
    monkeypatch.setattr(_figures, "SHUFFLES", 9)
    paths = _figures.FIGURES["modcog/clusters"](store, "smoke", tmp_path)
    assert set(tmp_path.iterdir()) == set(paths)
    assert len([path for path in paths if path.suffix == ".png"]) == 5
    (text,) = (path.read_text() for path in paths if path.suffix == ".md")
    found = cells_of(text)
    assert len(found) == 2 + 4  # head and rule; the autapses of both tables have the same label
    head, row = found["network"], found["dense, seed 0"]
    assert head[:3] == ["active units", "clusters", "silhouette"] and head[3:] == list(_figures.SUBTASKS)
    assert 0 < int(row[0]) <= 25 and 2 <= int(row[1]) <= int(row[0]) and -1 <= float(row[2]) <= 1
    assert all("p " in cell for cell in row[3:])


def test_networks_without_weights_are_an_error_that_tells_the_command(tmp_path):
    with pytest.raises(ValueError, match="srnn run modcog/figure2a --scale smoke --save-weights"):
        _figures.FIGURES["modcog/clusters"](Store(tmp_path / "empty"), "smoke", tmp_path)


def test_clusters_over_training(monkeypatch, store, tmp_path):
    whole = table("modcog/figure7b", "smoke")
    fewer = replace(whole, cells=tuple(cell for cell in whole.cells if cell.row in ("LM d = 0", "dense")))
    monkeypatch.setitem(_figures.TABLES, "modcog/figure7b", lambda scale: fewer)
    paths = _figures.FIGURES["modcog/figure7b"](store, "smoke", tmp_path)
    assert {path.suffix for path in paths} == {".png", ".svg", ".md"}
    found = cells_of(next(path for path in paths if path.suffix == ".md").read_text())
    assert found["network"] == ["3 steps", "6 steps"]
    assert all(int(count) >= 2 for count in (*found["LM d = 0"], *found["dense"]))


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
