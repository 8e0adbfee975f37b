"""Adroit Hammer by roll-outs: rewards in the simulator after training on few demonstrations (arXiv 2509.15057).

The paper tests its networks by their rewards and gives no numbers. After hundreds of demonstrations most networks solve
the task; so these train on 5 to 50, with as many steps as on all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...tables import Cell, Claim, Contrast, Plan, Scale, Table
from ._columns import SOURCE, rows_of
from ._hammer_sizes import BALANCED, SIZES, block_nets, listed
from ._networks import Net

ROWS = ("eq. 7", "eq. 8", BALANCED)

DEMONSTRATIONS = (5, 10, 25, 50)

MARGIN = 1000.0  # of the summed reward

SENTENCE = (
    "sections III and IV: tested by the rewards in the environment; eq. 7 was best, and balanced networks outperformed "
    "all other configurations. No numbers; hidden proportions here: {}"
)


def hammer_return(name: str, scale: Scale) -> Table:
    """Summed rewards of roll-outs on Adroit Hammer, by number of demonstrations."""
    size, shown = SIZES[scale], _nets(scale)
    columns = [_column(count) for count in DEMONSTRATIONS]
    claims = (
        Claim(
            "eq. 7 gets more reward than eq. 8",
            "Eq. 7 is best on Adroit Hammer and eq. 8 worst; read as: the summed reward of eq. 7 is above that of eq. "
            "8, as the mean over the numbers of demonstrations.",
            "section IV",
            (_more("eq. 7", "eq. 8", columns),),
        ),
        Claim(
            "balanced gets more reward than eq. 7",
            "Balanced networks outperform all other configurations on both tasks; read as: the summed reward is above "
            "that of eq. 7, as the mean over the numbers of demonstrations.",
            "section IV",
            (_more(BALANCED, "eq. 7", columns),),
        ),
    )
    return _rollout_table(
        name,
        scale,
        title=f"Rewards of {size.rollouts} episodes",
        metric="Summed reward of an episode",
        unit="units of reward",
        cells=_cells(shown, scale, "return"),
        claims=claims,
        margin=MARGIN,
        note=f"{MARGIN:g} is 6 % of the reward of the expert's mean actions, about 16,260, and about one standard "
        "error of 50 episodes of which half are solved. No run counts as failed: after few demonstrations a network "
        "may solve no episode although it learned.",
    )


def hammer_success(name: str, scale: Scale) -> Table:
    """Solved episodes of the same roll-outs; a table without claims."""
    return _rollout_table(
        name,
        scale,
        title=f"Solved episodes of {SIZES[scale].rollouts}",
        metric="Episodes with the nail in for more than 25 steps",
        unit="%",
        cells=_cells(_nets(scale), scale, "success", factor=100.0),
        note="The claims are about the rewards of the same episodes, in hammer-return.",
    )


def _rollout_table(
    name: str,
    scale: Scale,
    *,
    title: str,
    metric: str,
    unit: str,
    cells: Sequence[Cell],
    claims: tuple[Claim, ...] = (),
    margin: float | None = None,
    note: str,
) -> Table:
    """Return a table of roll-outs; `title` begins its title."""
    size = SIZES[scale]
    return Table(
        name=name,
        scale=scale,
        title=f"{title} of Adroit Hammer by number of demonstrations, {size.budget:,} weights",
        source=SOURCE.format(SENTENCE.format(listed(_nets(scale)))),
        metric=metric,
        unit=unit,
        better="higher",
        seeds=size.fewer_seeds,
        cells=tuple(cells),
        claims=claims,
        plan=Plan(seeds=() if scale == "smoke" else size.fewer_seeds, margin=margin, note=note),
    )


def _nets(scale: Scale) -> dict[str, Net]:
    nets = block_nets(SIZES[scale].budget, "after")
    return {row: nets[row] for row in ROWS}


def _column(count: int) -> str:
    return f"{count} demonstrations"


def _cells(shown: Mapping[str, Net], scale: Scale, metric: str, *, factor: float = 1.0) -> list[Cell]:
    """Return one column per number of demonstrations, each trained in as many steps as on all of them."""
    size = SIZES[scale]
    training = size.training.model_copy(update={"batches": size.batches, "evaluate_every": None})
    return [
        cell
        for count in DEMONSTRATIONS
        for cell in rows_of(
            shown,
            size.task.model_copy(update={"train": count, "rollouts": size.rollouts}),
            training,
            {_column(count): metric},
            factor=factor,
        )
    ]


def _more(row: str, other: str, columns: list[str]) -> Contrast:
    """Return the contrast that the mean over columns of a row is above that of another."""
    share = 1 / len(columns)
    return Contrast(
        tuple((row, column, share) for column in columns) + tuple((other, column, -share) for column in columns)
    )
