"""Drawings of clusters of units show what was clustered."""

import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import PolyCollection
from scipy.optimize import isotonic_regression

from srnn_bench import BenchError
from srnn_bench.analysis import clusters
from srnn_bench.drawing import INK, file_png, file_svg, inline_svg
from srnn_bench.papers.modcog.figures import FEW, MANY, cluster_numbers, spread_apart, task_clusters, unit_weights


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def planted(units=40, kinds=4, tasks=12):
    """Return units whose normalised variance is about 1 in the tasks of their kind, and the kinds."""
    of = torch.arange(units) % kinds
    centres = torch.arange(kinds)[:, None] == torch.arange(tasks)[None, :] * kinds // tasks
    return (centres.float()[of] + 0.05 * torch.randn(units, tasks, generator=generator())).abs(), of


def cloud(units, tasks=4):
    return torch.rand(units, tasks, generator=generator())


NAMES = [f"task {number}" for number in range(12)]


def test_the_heat_map_holds_each_unit_once_by_cluster():
    points, of = planted(40, 4)
    found = clusters(points)
    drawing = task_clusters("a-name", "Clusters", points, found, NAMES)
    heat, bar, *_ = drawing.figure.axes
    shown = np.asarray(heat.images[0].get_array())
    assert shown.shape == (12, 40)
    np.testing.assert_array_equal(shown, points[found.order].T.numpy())
    assert of[found.order].tolist() == sorted(of.tolist()), "the kinds stand together"
    assert [label.get_text() for label in heat.get_yticklabels()] == NAMES
    assert heat.images[0].get_extent() == [0, 40, 12, 0] and heat.images[0].get_clim() == (0, 1)
    assert [line.get_xdata()[0] for line in heat.lines] == [10, 20, 30]
    assert [(patch.get_x(), patch.get_width()) for patch in bar.patches] == [(0, 10), (10, 10), (20, 10), (30, 10)]
    assert all(one.get_facecolor() != two.get_facecolor() for one, two in pairwise(bar.patches))
    assert [(text.get_text(), text.get_position()[0]) for text in bar.texts] == [
        (str(number), pytest.approx(5 + 10 * number)) for number in range(4)
    ]
    assert "40 units (columns) in 4 clusters, 12 tasks (rows)" in drawing.caption
    assert f"{found.silhouette:.2f}, ward linkage" in drawing.caption and "its number below" in drawing.caption


def test_of_many_clusters_the_largest_have_numbers():
    sizes = [1] * 30 + [5] * MANY
    assert len(sizes) > FEW
    labels = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    points = cloud(len(labels), 2)
    found = replace(clusters(points), labels=labels, k=len(sizes))
    found.silhouettes[found.k] = 0.0
    drawing = task_clusters("many", "Clusters", points, found, ["one", "two"])
    heat, bar, *_ = drawing.figure.axes
    assert len(heat.lines) == 0 and len(bar.patches) == len(sizes)
    assert sorted(int(text.get_text()) for text in bar.texts) == found.sizes.eq(5).nonzero()[:, 0].tolist()
    assert f"the numbers of the {MANY} largest" in drawing.caption
    for text, line in zip(bar.texts, bar.lines, strict=True):
        patch = bar.patches[int(text.get_text())]
        assert line.get_xdata()[0] == patch.get_x() + patch.get_width() / 2
        assert line.get_xdata()[1] == text.get_position()[0]


def test_another_number_of_names_is_refused():
    points, _ = planted(40, 4)
    with pytest.raises(BenchError, match=r"points: expected shape \(40, 3\), got \(40, 12\)"):
        task_clusters("a", "b", points, clusters(points), NAMES[:3])


@settings(deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=34))
def test_numbers_are_moved_apart_as_little_as_can_be(places):
    places = np.sort(places)
    apart = 100 / 34
    found = spread_apart(places, apart, 100)
    assert (np.diff(found) >= apart - 1e-9).all()
    assert found[0] >= apart / 2 - 1e-9 and found[-1] <= 100 - apart / 2 + 1e-9
    steps = apart * np.arange(len(places))
    least = isotonic_regression(places - steps).x.clip(apart / 2, 100 - apart / 2 - steps[-1]) + steps
    np.testing.assert_allclose(found, least, atol=1e-9)


def test_numbers_of_clusters_are_means_with_the_range_of_the_runs():
    numbers = {"d = 2": {2000: [8, 10], 1000: [12, 17]}, "dense": {1000: [30], 2000: [20]}}
    drawing = cluster_numbers("numbers", "Number of clusters", numbers)
    (axes,) = drawing.figure.axes
    assert [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines] == [
        ([1000, 2000], [14.5, 9]),
        ([1000, 2000], [30, 20]),
    ]
    (band,) = [each for each in axes.collections if isinstance(each, PolyCollection)]
    corners = {tuple(corner) for corner in band.get_paths()[0].vertices.tolist()}
    assert corners == {(1000, 12), (1000, 17), (2000, 8), (2000, 10)}, "one run has no band"
    assert drawing.caption.endswith("Runs: d = 2 (2), dense (1).") and axes.get_ylim()[0] == 0
    (legend,) = drawing.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["d = 2", "dense"]


@pytest.mark.parametrize("which", ["map", "numbers"])
def test_drawings_are_files_and_elements_of_a_page(which):
    points, _ = planted(40, 4)
    if which == "map":
        drawing = task_clusters("map", "A map", points, clusters(points), NAMES)
    else:
        drawing = cluster_numbers("numbers", "Numbers", {"dense": {1: [2], 2: [3]}})
    inline = inline_svg(drawing)
    root = ElementTree.fromstring(inline)
    assert root.get("role") == "img" and root.get("aria-label") == f"{drawing.title}. {drawing.caption}"
    assert "currentColor" in inline and INK not in inline and "#000000" not in inline, "text takes the page's colour"
    if which == "map":
        assert all(re.search(rf">{name}<", inline) for name in NAMES)
    ElementTree.fromstring(file_svg(drawing).encode())
    assert file_png(drawing).startswith(b"\x89PNG")


def test_weights_of_units_are_drawn_by_cluster():
    points = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.9, 0.0], [0.0, 0.8], [0.95, 0.0]])
    clustering = clusters(points)
    weights = torch.arange(10.0).view(2, 5)
    drawing = unit_weights("name", "title", {"input": weights, "itself": weights[:1]}, clustering)
    first, second, _ = drawing.figure.axes
    assert first.images[0].get_array().tolist() == weights[:, clustering.order].tolist()
    assert second.images[0].get_array().shape == (1, 5)
    assert drawing.caption == "Weights of 5 units in 2 clusters; rows: input 2, itself 1."
    with pytest.raises(BenchError, match=r"output: expected shape \(rows, 5\), got \(2, 4\)"):
        unit_weights("name", "title", {"output": weights[:, :4]}, clustering)
