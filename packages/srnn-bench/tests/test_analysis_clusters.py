"""Silhouettes are those of a plain loop, cuts those of the tree; what is drawn is what was clustered."""

import math
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
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
from scipy.optimize import isotonic_regression

from srnn_bench.analysis import clusters, cut
from srnn_bench.drawing import INK, file_png, file_svg, inline_svg
from srnn_bench.papers.modcog.figures._draw_clusters import FEW, MANY, cluster_numbers, spread, task_clusters


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def planted(units=40, kinds=4, *, noise=0.05, seed=0, tasks=12):
    """Units whose normalised variance is 1 in the tasks of their kind, in equal shares of the tasks."""
    of = torch.arange(units) % kinds
    centres = torch.arange(kinds)[:, None] == torch.arange(tasks)[None, :] * kinds // tasks
    return (centres.float()[of] + noise * torch.randn(units, tasks, generator=generator(seed))).abs(), of


def cloud(units, tasks=4, seed=0):
    return torch.rand(units, tasks, generator=generator(seed))


CASES = {
    "cloud": cloud(25),
    "planted": planted(24, 3)[0],
    "twins": cloud(8).repeat(3, 1),
    "a line": torch.arange(12.0)[:, None],  # ties everywhere
    "all the same": torch.ones(6, 3),
    "three units": cloud(3),
    "a far one": torch.cat([cloud(10), torch.full((1, 4), 30.0)]),
}


def partitions(tree):
    """All cuts of a tree, by number of clusters: sets of units, joined one merge after the other."""
    parts = {unit: {unit} for unit in range(len(tree) + 1)}
    found = {}
    for merge, (left, right, *_) in enumerate(tree.tolist()):
        parts[len(tree) + 1 + merge] = parts.pop(int(left)) | parts.pop(int(right))
        found[len(parts)] = {frozenset(part) for part in parts.values()}
    return found


def silhouette(points, parts):
    """Rousseeuw's definition, a unit at a time."""
    points = points.double().tolist()
    scores = []
    for part in parts:
        for unit in part:
            if len(part) == 1:
                scores.append(0.0)
                continue
            mean = [
                math.fsum(math.dist(points[unit], points[other]) for other in each) / (len(each) - (each is part))
                for each in (part, *(each for each in parts if each is not part))
            ]
            a, b = mean[0], min(mean[1:])
            scores.append((b - a) / max(a, b) if max(a, b) > 0 else 0.0)
    return math.fsum(scores) / len(scores)


def sets(labels):
    return {frozenset(np.flatnonzero(np.asarray(labels) == label).tolist()) for label in np.unique(labels)}


@pytest.mark.parametrize("method", ["ward", "average"])
@pytest.mark.parametrize("case", CASES)
def test_every_cut_has_the_silhouette_of_a_plain_loop(case, method):
    points = CASES[case]
    found = clusters(points, method=method)
    every = partitions(found.linkage)
    assert sorted(found.silhouettes) == list(range(2, len(points)))
    for k, score in found.silhouettes.items():
        assert score == pytest.approx(silhouette(points, every[k]), abs=1e-12), k
        assert sets(cut(found.linkage.numpy(), k)) == every[k]
    assert sets(found.labels) == every[found.k] and found.method == method
    assert found.silhouette == found.silhouettes[found.k]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), min_size=3, max_size=12))
def test_lattices_of_ties_too(rows):
    points = torch.tensor(rows, dtype=torch.float64)
    found = clusters(points, method="average")
    every = partitions(found.linkage)
    scores = {k: silhouette(points, every[k]) for k in range(2, len(points))}
    assert found.silhouettes == pytest.approx(scores, abs=1e-12)
    assert scores[found.k] == pytest.approx(max(scores.values()), abs=1e-12)
    assert found.k == min(k for k, score in found.silhouettes.items() if score == found.silhouette)


@pytest.mark.parametrize("method", ["ward", "average"])
def test_the_tree_is_scipys_of_the_points(method):
    points = cloud(60)
    found = clusters(points, method=method)
    np.testing.assert_allclose(found.linkage, linkage(points.double().numpy(), method=method), rtol=1e-12)
    for k in (2, 7, 31, 59):
        assert sets(cut(found.linkage.numpy(), k)) == sets(fcluster(found.linkage.numpy(), k, "maxclust"))


@pytest.mark.parametrize("method", ["ward", "average"])
def test_silhouettes_are_scikit_learns(method):
    metrics = pytest.importorskip("sklearn.metrics")
    points = cloud(150, 20)
    found = clusters(points, method=method)
    for k in range(2, 150, 7):
        expected = metrics.silhouette_score(points.double().numpy(), cut(found.linkage.numpy(), k))
        assert found.silhouettes[k] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("method", ["ward", "average"])
@pytest.mark.parametrize("kinds", [2, 4, 6])
def test_planted_clusters_are_found_and_numbered_by_the_task_they_prefer(kinds, method):
    points, of = planted(60, kinds)
    order = torch.randperm(60, generator=generator(1))
    found = clusters(points[order], method=method)
    assert found.k == kinds and found.silhouette > 0.7
    assert torch.equal(found.labels, of[order]), "kinds are in the order of their tasks"
    assert found.sizes.tolist() == [60 // kinds] * kinds


def test_clusters_of_one_preferred_task_follow_the_tree():
    rows = [[0.0, 1.0, 0.0]] * 3 + [[0.9, 1.0, 0.0]] * 3 + [[0.0, 1.0, 0.9]] * 3 + [[1.0, 0.0, 0.0]] * 3
    found = clusters(torch.tensor(rows))
    assert found.k == 4 and found.labels[9:].tolist() == [0, 0, 0]
    leaves = found.order.tolist()
    assert [found.labels[unit].item() for unit in leaves] == sorted(found.labels.tolist())
    along = [int(found.labels[unit]) for unit in leaves_list(found.linkage.numpy())]
    assert [label for label in dict.fromkeys(along) if label] == [1, 2, 3]
    for label in range(4):
        assert [unit for unit in leaves if found.labels[unit] == label] == [
            unit for unit in leaves_list(found.linkage.numpy()).tolist() if found.labels[unit] == label
        ]


def test_of_cuts_that_tie_the_one_with_fewest_clusters_is_taken():
    assert set(clusters(torch.ones(6, 3)).silhouettes.values()) == {0.0}
    assert clusters(torch.ones(6, 3)).k == 2


def test_most_bounds_the_cuts_and_changes_no_score():
    points = cloud(30)
    every = clusters(points)
    assert every.k > 4
    few = clusters(points, most=4)
    assert few.silhouettes == {k: every.silhouettes[k] for k in (2, 3, 4)} and few.k == max(
        (2, 3, 4), key=every.silhouettes.get
    )
    assert sorted(clusters(points, most=900).silhouettes) == list(range(2, 30))


def test_the_same_points_give_the_same_bits_and_are_left_alone():
    points = cloud(50)
    before = points.clone()
    one, other = clusters(points), clusters(points)
    assert torch.equal(one.labels, other.labels) and one.silhouettes == other.silhouettes
    assert torch.equal(points, before) and torch.equal(one.order.sort().values, torch.arange(50))


WRONG = {
    "two units": ({"points": cloud(2)}, r"points: expected shape \(N, tasks\) with 3 units or more, got \(2, 4\)"),
    "flat": ({"points": torch.ones(5)}, r"points: expected shape .*, got \(5,\)"),
    "nan": ({"points": torch.full((5, 2), float("nan"))}, "points: expected finite numbers, got 10 that are not"),
    "method": ({"method": "single"}, "method: expected one of ward, average, got 'single'"),
    "most": ({"most": 1}, "most: expected 2 clusters or more, got 1"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_is_refused(wrong):
    change, said = WRONG[wrong]
    with pytest.raises(ValueError, match=said):
        clusters(**({"points": cloud(5)} | change))


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


def test_names_must_be_as_many_as_tasks():
    points, _ = planted(40, 4)
    with pytest.raises(ValueError, match=r"points: expected shape \(40, 3\), got \(40, 12\)"):
        task_clusters("a", "b", points, clusters(points), NAMES[:3])


@settings(deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=34))
def test_numbers_are_moved_apart_as_little_as_can_be(places):
    places = np.sort(places)
    apart = 100 / 34
    found = spread(places, apart, 100)
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
    (band,) = [held for held in axes.collections if isinstance(held, PolyCollection)]
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
