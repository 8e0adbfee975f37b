"""How many clusters serve a sub-task: known ones are counted, and the numbers are those of plain loops."""

import itertools
import math

import pytest
import torch

from srnn_bench.analysis import (
    Clustering,
    clusters,
    kept,
    modules_of,
    normalised,
    p_value,
    present_tasks,
    task_variance,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def clustering_of(labels):
    """A clustering with these labels; its tree is not looked at."""
    labels = torch.as_tensor(labels)
    return Clustering(labels, int(labels.max()) + 1, {}, torch.zeros(len(labels) - 1, 4), "ward")


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
    held, effective, count = KNOWN[case]
    labels = torch.cat([torch.full((size,), number) for number, (_, size) in enumerate(held)])
    points = torch.tensor([line for line, size in held for _ in range(size)])
    order = torch.randperm(len(labels), generator=generator())
    found = modules_of(clustering_of(labels[order]), points[order], mask(0, 1, 2, 3))
    assert found.effective == pytest.approx(effective, rel=1e-6) and found.count == count
    assert found.ratio == 2.0 and len(found.which) == count
    assert found.share == pytest.approx(sum(held[number][1] for number in found.which) / len(labels))


def plain(labels, points, inside, against, ratio):
    """The definitions, a number at a time."""
    selectivity, excess = [], []
    for cluster in range(max(labels) + 1):
        units = [line for line, label in zip(points, labels, strict=True) if label == cluster]
        means = [math.fsum(line[task] for line in units) / len(units) for task in range(len(points[0]))]
        held = [means[task] for task in inside]
        if against is None:
            others = sorted((mean for task, mean in enumerate(means) if task not in inside), reverse=True)
            others = others[: len(inside)]
        else:
            others = [means[task] for task in against]
        one, other = math.fsum(held) / len(held), math.fsum(others) / len(others)
        selectivity.append(one / other)
        excess.append(max(0.0, one - other) * len(units) / len(labels))
    chosen = {cluster for cluster, value in enumerate(selectivity) if value >= ratio}
    share = sum(label in chosen for label in labels) / len(labels)
    return selectivity, excess, chosen, share


@pytest.mark.parametrize("inside", [(0, 3), (1, 2, 4, 5, 6, 7, 9), (8,)])
@pytest.mark.parametrize("against", [None, "rest"])
@pytest.mark.parametrize("ratio", [1.0, 1.1, 2.0])
def test_the_numbers_are_those_of_a_plain_loop(inside, against, ratio):
    labels = torch.arange(60) % 7
    points = torch.rand(60, 10, generator=generator(3), dtype=torch.float64)
    points[labels < 3] *= 1 + 2 * mask(*inside).double()  # three clusters take more part in it, whatever it is
    rest = tuple(task for task in range(10) if task not in inside) if against else None
    found = modules_of(clustering_of(labels), points, mask(*inside), against=mask(*rest) if rest else None, ratio=ratio)
    selectivity, excess, chosen, share = plain(labels.tolist(), points.tolist(), inside, rest, ratio)
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
    plain_mean = modules_of(shape, points, right, against=~right)
    assert plain_mean.which == [0, 1] and plain_mean.selectivity[0].item() == pytest.approx(3.2)
    assert modules_of(shape, points, right, against=left).which == [1]


def test_a_cluster_without_variance_in_either_is_not_selective():
    points = torch.tensor([[0.0, 0.0, 1.0]] * 2 + [[1.0, 0.0, 0.0]] * 2)
    found = modules_of(clustering_of([0, 0, 1, 1]), points, mask(0, of=3), against=mask(1, of=3))
    assert found.selectivity.tolist() == [0.0, math.inf] and found.which == [1] and found.effective == 1.0


def exact(points, labels, inside):
    """The share of all sub-tasks of as many tasks whose sum of excess is as great."""
    sums = {
        chosen: math.fsum(plain(labels, points, chosen, None, 2.0)[1])
        for chosen in itertools.combinations(range(len(points[0])), len(inside))
    }
    return sum(value >= sums[inside] - 1e-12 for value in sums.values()) / len(sums)


@pytest.mark.parametrize("inside", [(0, 1), (2, 5), (0, 3), (4,), (1, 2, 3, 4, 5)])
def test_p_values_are_shares_of_all_sub_tasks_of_that_size(inside):
    points = torch.rand(12, 6, generator=generator(8), dtype=torch.float64)
    points[:6, :2] += 1.5
    labels = torch.tensor([0, 0, 0, 0, 0, 0, 1, 2, 2, 3, 3, 3])
    expected = exact(points.tolist(), labels.tolist(), inside)
    found = p_value(clustering_of(labels), points, mask(*inside, of=6), repeats=3000, generator=generator())
    assert found == pytest.approx(expected, abs=0.03)  # three standard errors of 3000 draws


def test_p_values_are_drawn_with_the_generator_and_are_never_0():
    points = torch.tensor([ONLY] * 5 + [NONE] * 5)
    held = (clustering_of([0] * 5 + [1] * 5), points, mask(0, 1, 2, 3))
    assert p_value(*held, repeats=19, generator=generator()) == 1 / 20
    noisy = torch.rand(10, 10, generator=generator(2))
    draws = [p_value(held[0], noisy, held[2], repeats=39, generator=generator(seed)) for seed in (0, 0, 1, 2, 3)]
    assert draws[0] == draws[1] and len(set(draws)) > 1


def test_p_values_compare_with_the_named_tasks():
    points = torch.rand(10, 10, generator=generator(5), dtype=torch.float64)
    points[:, 0] = 1.0
    points[:, 9] = 0.0
    held = (clustering_of([0] * 5 + [1] * 5), points, mask(0))
    assert p_value(*held, against=mask(9), repeats=400, generator=generator()) < 0.04  # 1 of 90 pairs
    assert p_value(clustering_of([0] * 10), points, mask(9), against=mask(0), repeats=9, generator=generator()) == 1.0


GOOD = {"clustering": clustering_of([0, 0, 1, 1]), "points": torch.ones(4, 10), "tasks": mask(0, 1)}
WRONG = {
    "units": ({"points": torch.ones(3, 10)}, r"points: expected shape \(4, tasks\), got \(3, 10\)"),
    "tasks": ({"tasks": mask(0, of=9)}, r"tasks: expected bool \(10,\), got torch.bool \(9,\)"),
    "numbers": ({"tasks": torch.ones(10)}, r"tasks: expected bool \(10,\), got torch.float32"),
    "none": ({"tasks": mask()}, "tasks: expected some tasks but not all, got 0 of 10"),
    "all": ({"tasks": mask(*range(10))}, "tasks: expected some tasks but not all, got 10 of 10"),
    "against": ({"against": mask(3, of=4)}, r"against: expected bool \(10,\), got torch.bool \(4,\)"),
    "against none": ({"against": mask()}, "against: expected some tasks, none of the sub-task, got 0"),
    "against itself": ({"against": mask(1, 2)}, "none of the sub-task, got 2, 1 of the sub-task"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("ask", [modules_of, p_value], ids=["modules_of", "p_value"])
def test_what_cannot_be_is_refused(wrong, ask):
    change, said = WRONG[wrong]
    more = {"generator": generator()} if ask is p_value else {}
    with pytest.raises(ValueError, match=said):
        ask(**(GOOD | change), **more)


def test_ratio_and_repeats_are_bounded():
    with pytest.raises(ValueError, match=r"ratio: expected 1 or more, got 0\.5"):
        modules_of(**GOOD, ratio=0.5)
    with pytest.raises(ValueError, match="repeats: expected 1 or more, got 0"):
        p_value(**GOOD, repeats=0, generator=generator())


FAMILIES = {
    "go": ["go", "rtgo", "dlygo"],
    "anti": ["anti", "rtanti", "dlyanti"],
    "dm": ["dm1", "dm2", "ctxdm1", "ctxdm2", "multidm"],
    "dlydm": ["dlydm1", "dlydm2", "ctxdlydm1", "ctxdlydm2", "multidlydm"],
    "match": ["dms", "dnms", "dmc", "dnmc"],
}
YANG = [base for family in FAMILIES.values() for base in family]
DELAYED = ["dlygo", "dlyanti", *FAMILIES["dlydm"], *FAMILIES["match"]]
PAPER84 = [
    *YANG,
    *(f"{base}-{way}" for base in ("dlygo", "dlyanti", *DELAYED[1:]) for way in ("intr", "intl")),
    *(f"{base}-{way}" for way in ("seqr", "seql") for base in YANG),
]
# by hand, from sections 1 and 7 of the facts of the tasks
SUBTASKS = {
    "go": "go rtgo dlygo",
    "anti": "anti rtanti dlyanti",
    "rt": "rtgo rtanti",
    "dly": "dlygo dlyanti dlydm1 dlydm2 ctxdlydm1 ctxdlydm2 multidlydm",
    "dm": "dm1 dm2 ctxdm1 ctxdm2 multidm dlydm1 dlydm2 ctxdlydm1 ctxdlydm2 multidlydm",
    "ctx": "ctxdm1 ctxdm2 ctxdlydm1 ctxdlydm2",
    "multi": "multidm multidlydm",
    "match": "dms dnms dmc dnmc",
    "category": "dmc dnmc",
}
COUNTS = {"go": 11, "anti": 13, "rt": 6, "dm": 40, "ctx": 16, "multi": 8, "match": 20, "category": 10, "dly": 37}


@pytest.mark.parametrize("name", SUBTASKS)
def test_sub_tasks_are_those_of_the_base(name):
    held = present_tasks(YANG)[name].tolist()
    assert {task for task, has in zip(YANG, held, strict=True) if has} == set(SUBTASKS[name].split())
    assert int(present_tasks(PAPER84)[name].sum()) == COUNTS[name]


@pytest.mark.parametrize("name", ["intr", "intl", "seqr", "seql"])
def test_sub_tasks_are_those_of_the_ending(name):
    assert len(PAPER84) == 84
    held = present_tasks(PAPER84)[name]
    assert held.dtype == torch.bool and held.tolist() == [name in task for task in PAPER84]
    assert int(held.sum()) == (12 if "int" in name else 20)
    assert name not in present_tasks(YANG), "what no task has is left out"


def test_a_composed_task_has_all_its_sub_tasks():
    held = present_tasks(["go", "ctxdlydm1-intr-seql"])
    assert {name for name, tasks in held.items() if tasks[1]} == {"dm", "dly", "ctx", "intr", "seql"}


@pytest.mark.parametrize(
    "name", ["stop", "dlygo-seqr-intr", "dlygointr", "goseqr", "go-", "dlygo-intr-intl", "xdm1", "go seqr"]
)
def test_an_unknown_name_is_refused(name):
    with pytest.raises(ValueError, match=r"task: expected a name as dlygo-intr-seql, its base one of go, .*got "):
        present_tasks(["go", name])


def test_from_activity_to_modules():
    names = ["go", "anti", "go-seqr", "anti-seqr", "rtgo-seqr", "go-seql", "anti-seql", "rtgo-seql"]
    held = present_tasks(names)
    kinds = [held["anti"], held["seqr"], held["seql"], held["seqr"] & held["anti"], torch.zeros(8, dtype=torch.bool)]
    of = torch.arange(50) % 5  # the last kind is silent
    task = torch.arange(8).repeat_interleave(16)
    angles = torch.arange(16).repeat(8) * 2 * math.pi / 16
    takes_part = torch.stack(kinds)[of][:, task].T  # (B, N)
    turned = torch.rand(50, generator=generator()) * 2 * math.pi
    gains = 0.5 + torch.rand(50, generator=generator(1))
    activity = takes_part * gains * (angles[:, None] - turned).cos()
    variance = task_variance(activity.expand(4, 128, 50), task, torch.ones(4, 128, dtype=torch.bool))
    points = normalised(variance[:, kept(variance)])
    found = clusters(points)
    assert found.k == 4 and torch.equal(kept(variance), of < 4)
    right, left = (modules_of(found, points, held[way]) for way in ("seqr", "seql"))
    assert (right.count, left.count) == (2, 1) and right.share == 0.5 and 1.5 < right.effective < 2
    assert modules_of(found, points, held["anti"]).share == 0.5, "anti, and anti to the right"
