"""How the networks that parents propose do on tasks that these did not learn from: a table of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from srnn_masks import Blocks, balance, sized

from ....tables import AcrossColumns, Best, Cell, FilledCell, Place, Plan, Scale, Table
from .._columns import OWN
from .._networks import DENSE
from ._draws_table import group_name
from ._kept import Kept, densities_of, losses_of, read_proposals
from ._proposals import PARENTS
from ._readings import ShareBeaten
from ._tasks import Setting, settings

SEEDS = tuple(range(4, 9))

RESAMPLES = 10_000

MARGIN = 5.0  # % of the random networks: our reading of "at least as good"


def parent(name: str, scale: Scale) -> Table:
    """Networks that parents propose, beside balanced and dense ones, by the share of random networks beaten."""
    return parent_table(name, scale, read_proposals())


def parent_table(name: str, scale: Scale, kept: Kept) -> Table:
    """Return the table of these proposals."""
    cells = [
        Cell(row, group_name(task, budget), setting.experiment(blocks), "trained", reading)
        for task, setting in settings(scale).items()
        for budget in setting.budgets
        for reading in (ShareBeaten(Best(setting.metric, "lower"), losses_of(kept, task, budget)),)
        for row, blocks in _networks(kept, task, budget, setting).items()
    ]
    return Table(
        name=name,
        scale=scale,
        title="Random networks that a proposed one beats, by task and number of weights",
        source=OWN + ", which names parent and child without numbers",
        metric="Random networks with a higher loss",
        unit="%",
        better="higher",
        seeds=(0, 1) if scale == "smoke" else SEEDS,
        cells=tuple(cells),
        remarks=worth,
        claims=claims(),
        plan=Plan(seeds=() if scale == "smoke" else SEEDS, note="One random network beats 50 % of the others."),
    )


def claims() -> tuple[AcrossColumns, ...]:
    """Return the claims, whose sample are the tasks: each counts with the mean over its two numbers of weights."""
    groups = tuple(
        tuple(group_name(task, budget) for budget in setting.budgets) for task, setting in settings("quick").items()
    )
    beats_one = (
        AcrossColumns(
            f"{row} beats a random network",
            "On a task that it did not learn from, a parent proposes a better network than a random one; read as: "
            f"what the parent '{row}' proposes beats more than half of the random networks, as the mean of the tasks.",
            "ours, on section VI",
            row,
            None,
            groups,
            bound=50.0,
        )
        for row in PARENTS
    )
    as_good = (
        AcrossColumns(
            f"{row} is at least as good as balance",
            "A parent is at least as good as the balanced rule; read as: what the parent "
            f"'{row}' proposes beats at most {MARGIN:g} % fewer random networks than a balanced network does.",
            "ours, on section VI",
            row,
            "balanced",
            groups,
            bound=-MARGIN,
        )
        for row in PARENTS
    )
    return (*beats_one, *as_good)


def _networks(kept: Kept, task: str, budget: int, setting: Setting) -> dict[str, Blocks]:
    """Return the networks of a column by row."""
    sizes = setting.inputs, setting.outputs, budget
    proposed = {name: sized(*sizes, densities) for name, densities in densities_of(kept, task, budget).items()}
    return proposed | {"balanced": balance(*sizes), "dense": sized(*sizes, DENSE)}


def worth(cells: Mapping[Place, FilledCell]) -> Sequence[str]:
    """Return of each row how many random networks it is worth: of k of them, the best beats a share k / (k + 1).

    The interval is that of resampled tasks, whose two numbers of weights stay together.
    """
    return [sentence for row in dict.fromkeys(row for row, _ in cells) if (sentence := _worth(row, cells))]


def _worth(row: str, cells: Mapping[Place, FilledCell]) -> str | None:
    means: dict[str, list[float]] = {}
    for (other, column), cell in cells.items():
        if other == row and cell.mean is not None:
            means.setdefault(column.rpartition(", ")[0], []).append(cell.mean)
    if len(means) < 2:
        return None
    shares = np.array([np.mean(each) for each in means.values()]) / 100  # (tasks,)
    resampled = np.random.default_rng(0).choice(shares, (RESAMPLES, len(shares))).mean(axis=1)
    low, high = np.quantile(resampled, (0.025, 0.975))
    return (
        f"{row}: {100 * shares.mean():.0f} % of the random networks beaten, mean of {len(shares)} tasks: worth the "
        f"best of {_trials(shares.mean())} random networks (95 % of resampled tasks: {_trials(low)} to {_trials(high)})"
    )


def _trials(share: float) -> str:
    return f"{share / (1 - share):.1f}" if share < 1 else "infinitely many"
