"""What each parent proposes for a task that it never saw, computed from the losses of random networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from srnn_masks import Blocks

from ....tables import Regressor, forest
from ._draws import features, random_networks
from ._models import Array, Networks
from ._tasks import Setting

CANDIDATES = 2000  # random networks that a parent chooses among

SEED = 2  # of the candidates; the random networks that a parent learns from have another one


@dataclass(frozen=True)
class Trained:
    """Random networks of one task and one number of weights, and their losses; infinite if a run diverged."""

    task: str
    budget: int
    blocks: tuple[Blocks, ...]
    losses: tuple[float, ...]

    @property
    def ranks(self) -> Array:
        """The rank of each network by its loss, from 0, the best, to 1; networks of equal loss share theirs."""
        from scipy import stats  # type: ignore[import-untyped]

        ranks: Array = stats.rankdata(self.losses)
        return (ranks - 1) / max(1, len(self.losses) - 1)


@dataclass(frozen=True)
class Parent:
    """A model, and which tasks it learns from: all others, or those of other families only."""

    model: Callable[[], Regressor]
    other_families: bool = False

    def learns_from(self, task: str, other: str, settings: Mapping[str, Setting]) -> bool:
        """Return whether the parent that proposes for `task` learns from `other`."""
        if self.other_families:
            return settings[task].family != settings[other].family
        return task != other


PARENTS: Mapping[str, Parent] = {
    "forest": Parent(forest),
    "networks": Parent(Networks),
    "forest, other families": Parent(forest, other_families=True),
}


def propose(
    groups: Sequence[Trained], settings: Mapping[str, Setting], parents: Mapping[str, Parent] = PARENTS
) -> dict[str, dict[str, dict[int, Blocks]]]:
    """Return the networks that parents propose, by name of the parent, task and number of weights.

    Of 2,000 random networks it is the one whose rank the parent predicts to be the best.
    """
    return {name: _by_task(parent, groups, settings) for name, parent in parents.items()}


def _by_task(
    parent: Parent, groups: Sequence[Trained], settings: Mapping[str, Setting]
) -> dict[str, dict[int, Blocks]]:
    proposals: dict[str, dict[int, Blocks]] = {}
    for number, task in enumerate(settings):
        seen = [group for group in groups if parent.learns_from(task, group.task, settings)]
        rows = [features(blocks, settings[group.task].steps) for group in seen for blocks in group.blocks]
        model = parent.model()
        model.fit(_array(rows), np.concatenate([group.ranks for group in seen]))
        proposals[task] = {}
        for budget in settings[task].budgets:
            candidates = random_networks(settings[task], budget, CANDIDATES, (SEED, number, budget))
            predicted = model.predict(_array([features(each, settings[task].steps) for each in candidates]))
            proposals[task][budget] = candidates[int(np.argmin(predicted))]
    return proposals


def _array(rows: Sequence[Mapping[str, float]]) -> Array:
    return np.array([list(row.values()) for row in rows])
