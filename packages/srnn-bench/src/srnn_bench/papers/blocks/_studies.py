"""The hyperparameter studies of arXiv 2509.15057: Tables III and IV, minimum validation loss over random draws."""

from __future__ import annotations

from functools import cache

from ...tables import Best, Cell, Draw, Plan, Scale, Study
from ._columns import SOURCE
from ._draws import drawn
from ._study_sizes import STUDIES, StudyName

SEED = 3  # of every run

DRAWING_SEED = 0  # of the draws

TARGET = "minimum validation loss"


@cache
def draws(study: StudyName, scale: Scale) -> tuple[tuple[Draw, ...], tuple[Cell, ...]]:
    """Return the draws of a study and the cell of each."""
    size = STUDIES[study][scale]
    listed, cells = [], []
    for preset, count in size.counts.items():
        for number in range(count):
            parameters = drawn(preset, number, size.sizing, seed=DRAWING_SEED)
            draw = Draw(preset, number, parameters.features)
            experiment = parameters.experiment(size.task, size.training)
            listed.append(draw)
            cells.append(Cell(draw.name, TARGET, experiment, "trained", Best(size.loss, "lower")))
    return tuple(listed), tuple(cells)


def study_of(name: str, scale: Scale, study: StudyName, *, title: str, source: str, unit: str) -> Study:
    """Return the table of a study."""
    listed, cells = draws(study, scale)
    return Study(
        name=name,
        scale=scale,
        title=title,
        source=SOURCE.format(source),
        metric="Minimum validation loss",
        unit=unit,
        better="lower",
        seeds=(SEED,),
        cells=cells,
        draws=listed,
        plan=Plan(seeds=() if scale == "smoke" else (SEED,), failure_threshold=STUDIES[study][scale].constant),
    )


def table3(name: str, scale: Scale) -> Study:
    """Table III: Adroit Hammer by hidden proportion and density; the data are the expert's mean actions."""
    return study_of(
        name,
        scale,
        "hammer",
        title="Minimum validation loss on Adroit Hammer over random hyperparameters",
        source="Table III: 2,083 networks, 25 epochs of 4,500 episodes",
        unit="mse",
    )


def table3_noisy(name: str, scale: Scale) -> Study:
    """Table III on data with the expert's exploration noise, as the published data most likely have."""
    return study_of(
        name,
        scale,
        "hammer, noisy",
        title="Minimum validation loss on Adroit Hammer, noisy actions, over random hyperparameters",
        source="Table III: 2,083 networks, 25 epochs of 4,500 episodes",
        unit="mse",
    )


def table4(name: str, scale: Scale) -> Study:
    """Table IV: Random Anomaly Detection by hidden proportion and density, at 50,000 weights."""
    return study_of(
        name,
        scale,
        "anomaly",
        title="Minimum validation loss on Random Anomaly Detection over random hyperparameters, 50,000 weights",
        source="Table IV: 3,254 networks, 25 epochs of 30,000 series",
        unit="nats",
    )
