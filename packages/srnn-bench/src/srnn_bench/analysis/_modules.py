"""How many clusters of units serve one sub-task, such as right-ward sequences (appendix B of arXiv 2207.03523).

The paper describes a module that is "involved solely" with a sub-task, and networks with several such modules, without
numbers. These measures compare a cluster's task variance in the tasks of the sub-task with that in other tasks.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .._errors import BenchError
from ._clusters import Clustering

RATIO = 2.0  # of two sets of tasks of one size, at least two thirds of a cluster's variance are then in the sub-task


@dataclass(frozen=True, eq=False)
class Modules:
    """How the clusters of a network serve a sub-task.

    - `selectivity` float64 `(k,)`: mean normalised variance of a cluster in the sub-task, divided by that in the tasks
      it is compared with; inf if that is 0, and 0 if the first is.
    - `excess` float64 `(k,)`: the first minus the second, at least 0, times the cluster's share of the units.
    - `effective`: effective number of clusters, 1 / sum p^2 with p = excess / its sum: 1 if one cluster has all, k if k
      clusters have the same, 0 if none has any. It has no threshold.
    - `count`: number of selective clusters, whose selectivity is at least 2. `share`: share of the units in them.
    """

    count: int
    share: float
    effective: float
    selectivity: Tensor
    excess: Tensor

    @property
    def which(self) -> list[int]:
        """Labels of the selective clusters."""
        return (self.selectivity >= RATIO).nonzero()[:, 0].tolist()


def modules_of(clustering: Clustering, points: Tensor, tasks: Tensor) -> Modules:
    """Measure which clusters serve the sub-task that `tasks`, bool `(tasks,)`, have in common.

    `points` `(N, tasks)` are the normalised variances that were clustered. A cluster is selective if its mean variance
    in the sub-task is at least twice that elsewhere.

    Elsewhere is, per cluster, as many other tasks as the sub-task has, those in which it varies most. The mean over all
    other tasks would call a cluster selective for right-ward sequences that serves left-ward ones as much: of 84 tasks
    20 are left-ward, so its ratio is 64 / 20 = 3.2.
    """
    _check(clustering, points, tasks)
    sizes = clustering.sizes.double()
    inside, elsewhere = _compare(_means(clustering, points), tasks)
    selectivity = torch.where(inside > 0, inside / elsewhere, 0.0)
    selective = selectivity >= RATIO
    excess = (inside - elsewhere).clamp_min(0) * sizes / sizes.sum()
    total = float(excess.sum())
    return Modules(
        count=int(selective.sum()),
        share=float(sizes[selective].sum() / sizes.sum()),
        effective=total**2 / float(excess.square().sum()) if total > 0 else 0.0,
        selectivity=selectivity,
        excess=excess,
    )


def p_value(
    clustering: Clustering, points: Tensor, tasks: Tensor, *, repeats: int = 999, generator: torch.Generator
) -> float:
    """Return the permutation p-value of the sum of `excess`, with the tasks shuffled and the clusters fixed.

    The null hypothesis is a sub-task of as many random tasks. The p-value is one-sided and at least 1 / (1 + repeats).
    It tests whether the sub-task has modules, not how many.
    """
    _check(clustering, points, tasks)
    if repeats < 1:
        raise BenchError(f"repeats: expected 1 or more, got {repeats}")
    means, weights = _means(clustering, points), clustering.sizes.double() / len(points)

    def total(shuffled: Tensor) -> float:
        inside, elsewhere = _compare(shuffled, tasks)
        return float(((inside - elsewhere).clamp_min(0) * weights).sum())

    observed = total(means)
    orders = (torch.randperm(len(tasks), generator=generator, device=generator.device).cpu() for _ in range(repeats))
    # the same tasks in another order have the same sum up to rounding
    return (1 + sum(total(means[:, order]) >= observed - 1e-12 for order in orders)) / (1 + repeats)


def _means(clustering: Clustering, points: Tensor) -> Tensor:
    """Return the mean of each cluster in each task, float64 `(k, tasks)`."""
    sums = torch.zeros(clustering.k, points.shape[1], dtype=torch.float64)
    sums.index_add_(0, clustering.labels, points.detach().cpu().double())
    return sums / clustering.sizes[:, None]


def _compare(means: Tensor, tasks: Tensor) -> tuple[Tensor, Tensor]:
    """Return the means of clusters `(k, tasks)` over the sub-task, and over the tasks it is compared with: `(k,)`."""
    others = means[:, ~tasks]
    most = others.topk(min(int(tasks.sum()), others.shape[1]), dim=1).values
    return means[:, tasks].mean(dim=1), most.mean(dim=1)


def _check(clustering: Clustering, points: Tensor, tasks: Tensor) -> None:
    if points.ndim != 2 or len(points) != len(clustering.labels):
        raise BenchError(f"points: expected shape ({len(clustering.labels)}, tasks), got {tuple(points.shape)}")
    if tasks.shape != points.shape[1:] or tasks.dtype != torch.bool:
        raise BenchError(f"tasks: expected bool ({points.shape[1]},), got {tasks.dtype} {tuple(tasks.shape)}")
    if not tasks.any() or tasks.all():
        raise BenchError(f"tasks: expected some tasks but not all, got {int(tasks.sum())} of {len(tasks)}")
