"""How many clusters of units serve one sub-task, such as right-ward sequences (appendix B of arXiv 2207.03523).

The paper tells of one module that is "involved solely" with a sub-task, and of networks where several are. It gives no
number. Ours compares a cluster's task variance in the tasks of the sub-task with that in other tasks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ._clusters import Clustering

RATIO = 2.0

GO, ANTI = ("go", "rtgo", "dlygo"), ("anti", "rtanti", "dlyanti")

CTX = ("ctxdm1", "ctxdm2", "ctxdlydm1", "ctxdlydm2")

MULTI = ("multidm", "multidlydm")

DM = ("dm1", "dm2", "dlydm1", "dlydm2", *CTX, *MULTI)

MATCH = ("dms", "dnms", "dmc", "dnmc")

BASES = (*GO, *ANTI, *DM, *MATCH)

BY_BASE = {
    "go": GO,
    "anti": ANTI,
    "rt": ("rtgo", "rtanti"),
    "dly": tuple(base for base in BASES if "dly" in base),
    "dm": DM,
    "ctx": CTX,
    "multi": MULTI,
    "match": MATCH,
    "category": ("dmc", "dnmc"),
}

BY_ENDING = ("intr", "intl", "seqr", "seql")

NAME = re.compile(rf"({'|'.join(BASES)})(?:-(intr|intl))?(?:-(seqr|seql))?")


@dataclass(frozen=True, eq=False)
class Modules:
    """How the clusters of a network serve a sub-task.

    - `selectivity` float64 `(k,)`: mean normalised variance of a cluster in the sub-task, divided by that in the tasks
      it is compared with; inf where that is 0, and 0 where the first is.
    - `excess` float64 `(k,)`: the first less the second, at least 0, times the cluster's share of the units.
    - `effective`: 1 / sum p^2, p = excess / its sum: 1 if one cluster has all, k if k have the same; 0 if none has any.
      It knows no threshold.
    - `count`: clusters whose selectivity is `ratio` or more. `share`: the units in them, of all that were clustered.
    """

    count: int
    share: float
    effective: float
    selectivity: Tensor
    excess: Tensor
    ratio: float

    @property
    def which(self) -> list[int]:
        """The labels of the selective clusters."""
        return (self.selectivity >= self.ratio).nonzero()[:, 0].tolist()


def modules_of(
    clustering: Clustering, points: Tensor, tasks: Tensor, *, against: Tensor | None = None, ratio: float = RATIO
) -> Modules:
    """Ask how many clusters serve the sub-task that `tasks`, bool `(tasks,)`, have in common.

    `points` `(N, tasks)` are the normalised variances that were clustered. A cluster is selective if they are in the
    sub-task `ratio` times what they are elsewhere: twice, by default, so that of its variance in two sets of tasks of
    one size two thirds or more lie in the sub-task.

    Elsewhere is, for each cluster, as many other tasks as the sub-task has, those in which it varies most. The mean
    over all other tasks would call a cluster selective for right-ward sequences that serves left-ward ones as much: of
    84 tasks 20 are left-ward, so its ratio is 64 / 20 = 3.2. `against`, bool `(tasks,)`, names tasks to compare with
    instead; `against=~tasks` is that mean.
    """
    _check(clustering, points, tasks, against)
    if ratio < 1:
        raise ValueError(f"ratio: expected 1 or more, got {ratio}")
    sizes = clustering.sizes.double()
    inside, elsewhere = _compare(_means(clustering, points), tasks, against)
    selectivity = torch.where(inside > 0, inside / elsewhere, 0.0)
    selective = selectivity >= ratio
    excess = (inside - elsewhere).clamp_min(0) * sizes / sizes.sum()
    whole = float(excess.sum())
    return Modules(
        count=int(selective.sum()),
        share=float(sizes[selective].sum() / sizes.sum()),
        effective=whole**2 / float(excess.square().sum()) if whole > 0 else 0.0,
        selectivity=selectivity,
        excess=excess,
        ratio=ratio,
    )


def p_value(
    clustering: Clustering,
    points: Tensor,
    tasks: Tensor,
    *,
    against: Tensor | None = None,
    repeats: int = 999,
    generator: torch.Generator,
) -> float:
    """Return how likely as great a sum of `excess` is if the columns of tasks are shuffled, the clusters as they are.

    The null hypothesis is a sub-task of as many tasks taken at random. A permutation p-value of one side, at least
    1 / (1 + repeats). It says that the sub-task has modules, not how many.
    """
    _check(clustering, points, tasks, against)
    if repeats < 1:
        raise ValueError(f"repeats: expected 1 or more, got {repeats}")
    means, weights = _means(clustering, points), clustering.sizes.double() / len(points)

    def total(shuffled: Tensor) -> float:
        inside, elsewhere = _compare(shuffled, tasks, against)
        return float(((inside - elsewhere).clamp_min(0) * weights).sum())

    observed = total(means)
    orders = (torch.randperm(len(tasks), generator=generator, device=generator.device).cpu() for _ in range(repeats))
    # the same tasks in another order have the same sum but for rounding
    return (1 + sum(total(means[:, order]) >= observed - 1e-12 for order in orders)) / (1 + repeats)


def present_tasks(names: Sequence[str]) -> dict[str, Tensor]:
    """Return which tasks have each sub-task, bool `(tasks,)`, by its name; sub-tasks that none has are left out.

    A name is a base, then `-intr` or `-intl` or neither, then `-seqr` or `-seql` or neither: "dlygo-intr-seql".

    >>> {name: mask.tolist() for name, mask in present_tasks(["go", "rtanti-seqr"]).items()}
    {'go': [True, False], 'anti': [False, True], 'rt': [False, True], 'seqr': [False, True]}
    """
    parts = [_parts(name) for name in names]
    masks = {name: [base in bases for base, *_ in parts] for name, bases in BY_BASE.items()}
    masks |= {name: [name in endings for _, *endings in parts] for name in BY_ENDING}
    return {name: torch.tensor(mask) for name, mask in masks.items() if any(mask)}


def _parts(name: str) -> tuple[str, ...]:
    found = NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"task: expected a name as dlygo-intr-seql, its base one of {', '.join(BASES)}, got {name!r}")
    return tuple(part or "" for part in found.groups())


def _means(clustering: Clustering, points: Tensor) -> Tensor:
    """Return the mean of each cluster in each task, float64 `(k, tasks)`."""
    sums = torch.zeros(clustering.k, points.shape[1], dtype=torch.float64)
    sums.index_add_(0, clustering.labels, points.detach().cpu().double())
    return sums / clustering.sizes[:, None]


def _compare(means: Tensor, tasks: Tensor, against: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the means of clusters `(k, tasks)` over the sub-task, and over the tasks it is compared with: `(k,)`."""
    inside = means[:, tasks].mean(dim=1)
    if against is not None:
        return inside, means[:, against].mean(dim=1)
    others = means[:, ~tasks]
    return inside, others.topk(min(int(tasks.sum()), others.shape[1]), dim=1).values.mean(dim=1)


def _check(clustering: Clustering, points: Tensor, tasks: Tensor, against: Tensor | None) -> None:
    if points.ndim != 2 or len(points) != len(clustering.labels):
        raise ValueError(f"points: expected shape ({len(clustering.labels)}, tasks), got {tuple(points.shape)}")
    for name, mask in {"tasks": tasks, "against": tasks if against is None else against}.items():
        if mask.shape != points.shape[1:] or mask.dtype != torch.bool:
            raise ValueError(f"{name}: expected bool ({points.shape[1]},), got {mask.dtype} {tuple(mask.shape)}")
    if not tasks.any() or tasks.all():
        raise ValueError(f"tasks: expected some tasks but not all, got {int(tasks.sum())} of {len(tasks)}")
    if against is not None and (not against.any() or (against & tasks).any()):
        raise ValueError(
            f"against: expected some tasks, none of the sub-task, got {int(against.sum())}, "
            f"{int((against & tasks).sum())} of the sub-task"
        )
