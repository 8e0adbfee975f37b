"""The losses of random networks on ten tasks with two numbers of weights each: what parents learn from."""

from __future__ import annotations

from srnn_masks import Blocks

from ....store import Store
from ....tables import Best, Cell, Plan, Scale, Table, summarise
from .._columns import OWN
from ._draws import random_networks
from ._proposals import Trained
from ._tasks import settings

SEED = 1  # of the random networks

RUN = 3  # the seed that every network is trained with

COUNT = {"smoke": 2, "quick": 50, "paper": 50}  # random networks per task and number of weights


def group_name(task: str, budget: int) -> str:
    """Return the name of the networks of a task and a number of weights."""
    return f"{task}, {budget:,} weights"


def drawn(scale: Scale) -> dict[tuple[str, int], list[Blocks]]:
    """Return the random networks by task and number of weights."""
    return {
        (task, budget): random_networks(setting, budget, COUNT[scale], (SEED, number, budget))
        for number, (task, setting) in enumerate(settings(scale).items())
        for budget in setting.budgets
    }


def parent_draws(name: str, scale: Scale) -> Table:
    """The losses of random networks: a column per task and number of weights, a row per network."""
    by_task = settings(scale)
    cells = [
        Cell(
            row_name(number),
            group_name(task, budget),
            by_task[task].experiment(blocks),
            "trained",
            Best(by_task[task].metric, "lower"),
        )
        for (task, budget), networks in drawn(scale).items()
        for number, blocks in enumerate(networks)
    ]
    return Table(
        name=name,
        scale=scale,
        title="Minimum validation loss of random block RNNs, by task and number of weights",
        source=OWN + ", which names parent and child without numbers",
        metric="Minimum validation loss",
        unit="loss of the task",
        better="lower",
        seeds=(RUN,),
        cells=tuple(cells),
        plan=Plan(
            seeds=() if scale == "smoke" else (RUN,),
            note="Data and initial weights have the same seed in all runs of a task, so that networks differ in their "
            "densities. A row has other densities in each column.",
        ),
    )


def row_name(number: int) -> str:
    """Return the name of a row, whose random networks differ from column to column."""
    return f"random network {number + 1}"


def trained(store: Store, scale: Scale) -> list[Trained]:
    """Return the random networks with the losses that a store has of them; a run that diverged has an infinite one.

    Runs that are missing or failed are left out.
    """
    cells = summarise(parent_draws("blocks/parent-draws", scale), store).cells
    groups = []
    for (task, budget), networks in drawn(scale).items():
        losses: list[tuple[Blocks, float]] = []
        for number, blocks in enumerate(networks):
            cell = cells[row_name(number), group_name(task, budget)]
            if cell.n:
                losses.append((blocks, cell.values[RUN]))
            elif cell.diverged:
                losses.append((blocks, float("inf")))
        if losses:
            groups.append(Trained(task, budget, *(tuple(each) for each in zip(*losses, strict=True))))
    return groups
