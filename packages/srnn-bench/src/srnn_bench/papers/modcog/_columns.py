"""What the tables of arXiv 2207.03523 share: rows of networks, columns of readings, and two kinds of table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from srnn_tasks import Cognitive

from ...experiment import Training
from ...tables import (
    Cell,
    Claim,
    FilledCell,
    Place,
    Plan,
    Published,
    Reading,
    Scale,
    StepsTo,
    Table,
    WeightsPresent,
    fitting,
)
from ._networks import RECURRENT, Net
from ._sizes import SIZES

SOURCE = "arXiv 2207.03523, {}"

ACCURACY = "decision_accuracy"

FLOOR = "always_fixate"

MARGIN = 0.02  # of the decision accuracy: our reading of "as good", "about as" and "similar"

THRESHOLD = 0.5  # of the decision accuracy: half of all answers; ours, the paper shows curves

DECISION, STEPS = "decision accuracy", f"steps to {THRESHOLD:g}"  # columns

PERFORMANCE: dict[str, str | Reading] = {
    DECISION: ACCURACY,
    "whole trials": "trial_accuracy",
    "fixation": "fixation_accuracy",
    "always fixate": FLOOR,
}

SPEED: dict[str, str | Reading] = {STEPS: StepsTo(ACCURACY, THRESHOLD)}

WEIGHTS: dict[str, str | Reading] = {"all": WeightsPresent(("*weight*",)), "recurrent": WeightsPresent((RECURRENT,))}

CRITERIA = Plan(
    margin=MARGIN,
    note=f"{MARGIN:g} of the decision accuracy is our reading of 'as good' in the claims. It was made the margin of "
    "all others after runs of seeds 0 to 2 at scale quick.",
)

Publication = Callable[[str, str], Published | None]


def rows_of(
    nets: Mapping[str, Net],
    task: Cognitive,
    training: Training,
    columns: Mapping[str, str | Reading],
    published: Publication | None = None,
    factor: float = 1.0,
) -> list[Cell]:
    """Return one row per network and one column per reading of its run."""
    return [
        Cell(
            row,
            column,
            net.trained(task, training),
            "trained",
            reading,
            published and published(row, column),
            factor,
        )
        for row, net in nets.items()
        for column, reading in columns.items()
    ]


def performance(
    name: str,
    scale: Scale,
    title: str,
    source: str,
    cells: Sequence[Cell],
    claims: tuple[Claim, ...] = (),
    family: str = "",
) -> Table:
    """Return a table of shares of correct answers."""
    return Table(
        name=name,
        scale=scale,
        title=title,
        source=source,
        metric="Right answers",
        unit="share",
        better="higher",
        seeds=SIZES[scale].seeds,
        cells=tuple(cells),
        remarks=_floor,
        claims=fitting(claims, cells),
        family=family,
        plan=CRITERIA,
    )


def speed(
    name: str,
    scale: Scale,
    title: str,
    source: str,
    cells: Sequence[Cell],
    claims: tuple[Claim, ...] = (),
    family: str = "",
) -> Table:
    """Return a table of training steps until the decision accuracy reaches `THRESHOLD`."""
    return Table(
        name=name,
        scale=scale,
        title=title,
        source=source,
        metric=f"Training until the decision accuracy is {THRESHOLD:g}",
        unit="steps",
        better="lower",
        seeds=SIZES[scale].seeds,
        cells=tuple(cells),
        claims=fitting(claims, cells),
        family=family,
    )


def _floor(cells: Mapping[Place, FilledCell]) -> list[str]:
    """Return the score of a network that always fixates, unless a column of the table shows it."""
    columns = {cell.cell.column for cell in cells.values() if cell.cell.metric == FLOOR}
    shares = [stage.metrics[FLOOR] for cell in cells.values() for stage in cell.stages.values()]
    if columns or not shares:
        return []
    return [f"a network that always fixates has a decision accuracy of {fmean(shares):.3f}"]
