"""Sub-tasks of Mod-Cog by the names of the tasks, and clusters that serve them."""

import math

import pytest
import torch

from srnn_bench import BenchError
from srnn_bench.analysis import active_units, clusters, modules_of, normalised, task_variance
from srnn_bench.papers.modcog.figures import subtasks_of


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


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
    subtasks = subtasks_of(YANG)[name].tolist()
    assert {task for task, has in zip(YANG, subtasks, strict=True) if has} == set(SUBTASKS[name].split())
    assert int(subtasks_of(PAPER84)[name].sum()) == COUNTS[name]


@pytest.mark.parametrize("name", ["intr", "intl", "seqr", "seql"])
def test_sub_tasks_are_those_of_the_ending(name):
    assert len(PAPER84) == 84
    subtasks = subtasks_of(PAPER84)[name]
    assert subtasks.dtype == torch.bool and subtasks.tolist() == [name in task for task in PAPER84]
    assert int(subtasks.sum()) == (12 if "int" in name else 20)
    assert name not in subtasks_of(YANG), "what no task has is left out"


def test_a_composed_task_has_all_its_sub_tasks():
    subtasks = subtasks_of(["go", "ctxdlydm1-intr-seql"])
    assert {name for name, tasks in subtasks.items() if tasks[1]} == {"dm", "dly", "ctx", "intr", "seql"}


@pytest.mark.parametrize(
    "name", ["stop", "dlygo-seqr-intr", "dlygointr", "goseqr", "go-", "dlygo-intr-intl", "xdm1", "go seqr"]
)
def test_an_unknown_name_is_refused(name):
    with pytest.raises(BenchError, match=r"task: expected a name as dlygo-intr-seql, its base one of go, .*got "):
        subtasks_of(["go", name])


def test_modules_are_found_from_activity():
    names = ["go", "anti", "go-seqr", "anti-seqr", "rtgo-seqr", "go-seql", "anti-seql", "rtgo-seql"]
    subtasks = subtasks_of(names)
    kinds = [
        subtasks["anti"],
        subtasks["seqr"],
        subtasks["seql"],
        subtasks["seqr"] & subtasks["anti"],
        torch.zeros(8, dtype=torch.bool),
    ]
    of = torch.arange(50) % 5  # the last kind is silent
    task = torch.arange(8).repeat_interleave(16)
    angles = torch.arange(16).repeat(8) * 2 * math.pi / 16
    takes_part = torch.stack(kinds)[of][:, task].T  # (B, N)
    turned = torch.rand(50, generator=generator()) * 2 * math.pi
    gains = 0.5 + torch.rand(50, generator=generator(1))
    activity = takes_part * gains * (angles[:, None] - turned).cos()
    variance = task_variance(activity.expand(4, 128, 50), task, torch.ones(4, 128, dtype=torch.bool))
    points = normalised(variance[:, active_units(variance)])
    found = clusters(points)
    assert found.k == 4 and torch.equal(active_units(variance), of < 4)
    right, left = (modules_of(found, points, subtasks[way]) for way in ("seqr", "seql"))
    assert (right.count, left.count) == (2, 1) and right.share == 0.5 and 1.5 < right.effective < 2
    assert modules_of(found, points, subtasks["anti"]).share == 0.5, "anti, and anti to the right"
