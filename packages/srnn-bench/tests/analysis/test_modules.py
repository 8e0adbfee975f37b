"""How many clusters serve a sub-task: known ones are counted, and the numbers are those of plain loops."""

import itertools
import math

import pytest
import torch

from srnn_bench import BenchError
from srnn_bench.analysis import (
    Clustering,
    modules_of,
    p_value,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def clustering_of(labels):
    """A clustering with these labels; its tree is not used."""
    labels = torch.as_tensor(labels)
    return Clustering(labels, int(labels.max()) + 1, {}, torch.zeros(len(labels) - 1, 4))


def mask(*tasks, of=10):
    return torch.tensor([task in tasks for task in range(of)])


def profile(**by_tasks):
    """Normalised variances of a unit in 10 tasks, of which 0 to 3 are the sub-task: a value for inside and outside."""
    return [by_tasks["inside"]] * 4 + [by_tasks.get("outside", 0.0)] * 6


ONLY, NONE = profile(inside=1.0), profile(inside=0.0, outside=1.0)
HALF = [0.75] * 4 + [0.25] * 6  # an excess of half that of ONLY
# what the units of each cluster have, the size of each cluster: effective number, count of selective ones
KNOWN = {
    "one has all": (((ONLY, 5), (NONE, 9)), 1.0, 1),
    "two share evenly": (((ONLY, 5), (ONLY, 5), (NONE, 2)), 2.0, 2),
    "four share evenly": (((ONLY, 3),) * 4 + ((NONE, 1),), 4.0, 4),
    "by units": (((ONLY, 2), (ONLY, 6), (NONE, 4)), 1 / (0.25**2 + 0.75**2), 2),
    "by excess": (((ONLY, 4), (HALF, 4)), 1 / ((2 / 3) ** 2 + (1 / 3) ** 2), 2),
    "units make up for excess": (((ONLY, 4), (HALF, 8), (NONE, 3)), 2.0, 2),
    "not selective, yet some": (((ONLY, 2), (profile(inside=1.0, outside=0.75), 8)), 2.0, 1),
    "exactly twice": (((profile(inside=1.0, outside=0.5), 3), (NONE, 3)), 1.0, 1),
    "just below": (((profile(inside=0.99, outside=0.5), 3), (NONE, 3)), 1.0, 0),
    "none": (((NONE, 3), (profile(inside=0.5, outside=0.5), 3)), 0.0, 0),
}


@pytest.mark.parametrize("case", KNOWN)
def test_known_modules_are_counted(case):
    groups, effective, count = KNOWN[case]
    labels = torch.cat([torch.full((size,), number) for number, (_, size) in enumerate(groups)])
    points = torch.tensor([line for line, size in groups for _ in range(size)])
    order = torch.randperm(len(labels), generator=generator())
    found = modules_of(clustering_of(labels[order]), points[order], mask(0, 1, 2, 3))
    assert found.effective == pytest.approx(effective, rel=1e-6) and found.count == count
    assert len(found.which) == count
    assert found.share == pytest.approx(sum(groups[number][1] for number in found.which) / len(labels))


def plain(labels, points, inside):
    """The definitions, a number at a time."""
    selectivity, excess = [], []
    for cluster in range(max(labels) + 1):
        units = [line for line, label in zip(points, labels, strict=True) if label == cluster]
        means = [math.fsum(line[task] for line in units) / len(units) for task in range(len(points[0]))]
        own = [means[task] for task in inside]
        others = sorted((mean for task, mean in enumerate(means) if task not in inside), reverse=True)
        others = others[: len(inside)]
        one, other = math.fsum(own) / len(own), math.fsum(others) / len(others)
        selectivity.append(one / other)
        excess.append(max(0.0, one - other) * len(units) / len(labels))
    chosen = {cluster for cluster, value in enumerate(selectivity) if value >= 2}
    share = sum(label in chosen for label in labels) / len(labels)
    return selectivity, excess, chosen, share


@pytest.mark.parametrize("inside", [(0, 3), (1, 2, 4, 5, 6, 7, 9), (8,)])
def test_the_numbers_are_those_of_a_plain_loop(inside):
    labels = torch.arange(60) % 7
    points = torch.rand(60, 10, generator=generator(3), dtype=torch.float64)
    points[labels < 3] *= 1 + 2 * mask(*inside).double()  # three clusters take more part in it, whatever it is
    found = modules_of(clustering_of(labels), points, mask(*inside))
    selectivity, excess, chosen, share = plain(labels.tolist(), points.tolist(), inside)
    assert found.selectivity.tolist() == pytest.approx(selectivity, rel=1e-12)
    assert found.excess.tolist() == pytest.approx(excess, abs=1e-12)
    assert set(found.which) == chosen and found.count == len(chosen) and found.share == pytest.approx(share)
    assert found.effective == pytest.approx(sum(excess) ** 2 / sum(value**2 for value in excess))


def test_a_cluster_that_serves_left_and_right_alike_is_selective_for_neither():
    right, left = (torch.tensor([low <= task < low + 20 for task in range(84)]) for low in (44, 64))
    both, only = (right | left).float(), right.float()
    rest = (~(right | left)).float()
    points, shape = torch.stack([both, only, rest]).repeat_interleave(4, dim=0), clustering_of(torch.arange(12) // 4)
    assert modules_of(shape, points, right).which == [1]
    assert modules_of(shape, points, left).which == []
    assert modules_of(shape, points, right | left).which == [0, 1]


def test_a_cluster_without_variance_in_either_is_not_selective():
    points = torch.tensor([[0.0, 0.0, 0.0]] * 2 + [[1.0, 0.0, 0.0]] * 2)
    found = modules_of(clustering_of([0, 0, 1, 1]), points, mask(0, of=3))
    assert found.selectivity.tolist() == [0.0, math.inf] and found.which == [1] and found.effective == 1.0


def exact(points, labels, inside):
    """The share of all sub-tasks of as many tasks whose sum of excess is as great."""
    sums = {
        chosen: math.fsum(plain(labels, points, chosen)[1])
        for chosen in itertools.combinations(range(len(points[0])), len(inside))
    }
    return sum(value >= sums[inside] - 1e-12 for value in sums.values()) / len(sums)


@pytest.mark.parametrize("inside", [(0, 1), (2, 5), (0, 3), (4,), (1, 2, 3, 4, 5)])
def test_p_values_are_shares_of_all_sub_tasks_of_that_size(inside):
    points = torch.rand(12, 6, generator=generator(8), dtype=torch.float64)
    points[:6, :2] += 1.5
    labels = torch.tensor([0, 0, 0, 0, 0, 0, 1, 2, 2, 3, 3, 3])
    expected = exact(points.tolist(), labels.tolist(), inside)
    found = p_value(clustering_of(labels), points, mask(*inside, of=6), repeats=1000, generator=generator())
    assert found == pytest.approx(expected, abs=0.05)  # three standard errors of 1000 draws


def test_p_values_are_drawn_with_the_generator_and_are_never_0():
    points = torch.tensor([ONLY] * 5 + [NONE] * 5)
    arguments = (clustering_of([0] * 5 + [1] * 5), points, mask(0, 1, 2, 3))
    assert p_value(*arguments, repeats=19, generator=generator()) == 1 / 20
    noisy = torch.rand(10, 10, generator=generator(2))
    draws = [
        p_value(arguments[0], noisy, arguments[2], repeats=39, generator=generator(seed)) for seed in (0, 0, 1, 2, 3)
    ]
    assert draws[0] == draws[1] and len(set(draws)) > 1


GOOD = {"clustering": clustering_of([0, 0, 1, 1]), "points": torch.ones(4, 10), "tasks": mask(0, 1)}
WRONG = {
    "units": ({"points": torch.ones(3, 10)}, r"points: expected shape \(4, tasks\), got \(3, 10\)"),
    "tasks": ({"tasks": mask(0, of=9)}, r"tasks: expected bool \(10,\), got torch.bool \(9,\)"),
    "numbers": ({"tasks": torch.ones(10)}, r"tasks: expected bool \(10,\), got torch.float32"),
    "none": ({"tasks": mask()}, "tasks: expected some tasks but not all, got 0 of 10"),
    "all": ({"tasks": mask(*range(10))}, "tasks: expected some tasks but not all, got 10 of 10"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("ask", [modules_of, p_value], ids=["modules_of", "p_value"])
def test_invalid_arguments_are_refused(wrong, ask):
    change, said = WRONG[wrong]
    more = {"generator": generator()} if ask is p_value else {}
    with pytest.raises(BenchError, match=said):
        ask(**(GOOD | change), **more)


def test_repeats_are_bounded():
    with pytest.raises(BenchError, match="repeats: expected 1 or more, got 0"):
        p_value(**GOOD, repeats=0, generator=generator())
