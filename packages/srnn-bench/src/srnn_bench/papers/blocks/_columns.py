"""What the tables of arXiv 2509.15057 on Random Anomaly Detection share: columns, plans, and how a table is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...experiment import Training
from ...tables import AtStep, Best, Cell, Claim, Plan, Reading, Scale, Table
from ._networks import Net
from ._sizes import SIZES, Sizes

SOURCE = "arXiv 2509.15057, {}"

OWN = "Not in the paper"

BEST, LAST, TEST = "best epoch", "last epoch", "test"  # columns

MARGIN = 2.0  # points of the accuracy: our reading of "close"

CHANCE = 13.0  # % of right answers: 1 in 9 is 11.1, and the best of 12 evaluations of 5,000 series about 12


def columns(size: Sizes) -> dict[str, str | Reading]:
    """Return the columns of a table of accuracies: two of the validation series, and that of the test series."""
    return {BEST: Best("accuracy", "higher"), LAST: AtStep("accuracy", size.steps), TEST: "accuracy"}


def rows_of(
    nets: Mapping[str, Net], scale: Scale, readings: Mapping[str, str | Reading], *, factor: float = 100.0
) -> list[Cell]:
    """Return one row per network and one column per reading of its run."""
    size = SIZES[scale]
    return [
        cell_of(row, column, net, size, size.training, reading, factor=factor)
        for row, net in nets.items()
        for column, reading in readings.items()
    ]


def cell_of(
    row: str,
    column: str,
    net: Net,
    size: Sizes,
    training: Training,
    reading: str | Reading,
    *,
    factor: float = 100.0,
) -> Cell:
    """Return the cell of a network trained on the series of the scale."""
    return Cell(row, column, net.trained(size.task, training), "trained", reading, factor=factor)


def _plan(scale: Scale, note: str, seeds: tuple[int, ...]) -> Plan:
    """Return the plan of a table of accuracies; a smoke run fixes no seeds."""
    return Plan(
        seeds=() if scale == "smoke" else seeds,
        margin=MARGIN,
        failure_threshold=None if scale == "smoke" else CHANCE,
        note=f"{note} {MARGIN:g} points and the threshold of {CHANCE:g} % (chance is 11.1 %) are our choice.",
    )


def accuracies(
    name: str,
    scale: Scale,
    *,
    title: str,
    source: str,
    cells: Sequence[Cell],
    claims: Sequence[Claim],
    note: str,
    seeds: tuple[int, ...],
    family: str = "",
) -> Table:
    """Return a table of right answers in %, planned for these seeds; `note` says what they can decide."""
    return Table(
        name=name,
        scale=scale,
        title=title,
        source=source,
        metric="Right answers",
        unit="%",
        better="higher",
        seeds=seeds,
        cells=tuple(cells),
        claims=tuple(claims),
        family=family,
        plan=_plan(scale, note, seeds),
    )
