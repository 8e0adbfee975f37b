"""Silhouettes are those of a plain loop, and cuts those of the tree."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage

from srnn_bench import BenchError
from srnn_bench.analysis import clusters, cut


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


@pytest.mark.parametrize("case", CASES)
def test_every_cut_has_the_silhouette_of_a_plain_loop(case):
    points = CASES[case]
    found = clusters(points)
    every = partitions(found.linkage)
    assert sorted(found.silhouettes) == list(range(2, len(points)))
    for k, score in found.silhouettes.items():
        assert score == pytest.approx(silhouette(points, every[k]), abs=1e-12), k
        assert sets(cut(found.linkage.numpy(), k)) == every[k]
    assert sets(found.labels) == every[found.k]
    assert found.silhouette == found.silhouettes[found.k]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), min_size=3, max_size=12))
def test_lattices_of_ties_too(rows):
    points = torch.tensor(rows, dtype=torch.float64)
    found = clusters(points)
    every = partitions(found.linkage)
    scores = {k: silhouette(points, every[k]) for k in range(2, len(points))}
    assert found.silhouettes == pytest.approx(scores, abs=1e-12)
    assert scores[found.k] == pytest.approx(max(scores.values()), abs=1e-12)
    assert found.k == min(k for k, score in found.silhouettes.items() if score == found.silhouette)


def test_the_tree_is_scipys_of_the_points():
    points = cloud(60)
    found = clusters(points)
    np.testing.assert_allclose(found.linkage, linkage(points.double().numpy(), method="ward"), rtol=1e-12)
    for k in (2, 7, 31, 59):
        assert sets(cut(found.linkage.numpy(), k)) == sets(fcluster(found.linkage.numpy(), k, "maxclust"))


def test_silhouettes_are_scikit_learns():
    metrics = pytest.importorskip("sklearn.metrics")
    points = cloud(150, 20)
    found = clusters(points)
    for k in range(2, 150, 7):
        expected = metrics.silhouette_score(points.double().numpy(), cut(found.linkage.numpy(), k))
        assert found.silhouettes[k] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("kinds", [2, 4, 6])
def test_planted_clusters_are_found_and_numbered_by_the_task_they_prefer(kinds):
    points, of = planted(60, kinds)
    order = torch.randperm(60, generator=generator(1))
    found = clusters(points[order])
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


def test_the_same_points_give_the_same_bits_and_are_left_alone():
    points = cloud(50)
    before = points.clone()
    one, other = clusters(points), clusters(points)
    assert torch.equal(one.labels, other.labels) and one.silhouettes == other.silhouettes
    assert torch.equal(points, before) and torch.equal(one.order.sort().values, torch.arange(50))


WRONG = {
    "two units": (cloud(2), r"points: expected shape \(N, tasks\) with 3 units or more, got \(2, 4\)"),
    "flat": (torch.ones(5), r"points: expected shape .*, got \(5,\)"),
    "nan": (torch.full((5, 2), float("nan")), "points: expected finite numbers, got 10 that are not"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_invalid_points_are_refused(wrong):
    points, message = WRONG[wrong]
    with pytest.raises(BenchError, match=message):
        clusters(points)
