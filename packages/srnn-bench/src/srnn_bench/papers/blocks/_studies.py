"""The draws of the hyperparameter studies of arXiv 2509.15057 as rows of tables; several tables show one study."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ...tables import BaseClaim, Best, Bins, Cell, Draw, Plan, Scale, Study
from ._columns import SOURCE
from ._draws import BLOCKS, drawn
from ._study_sizes import STUDIES, StudyName

SEED = 3  # of every run

DRAWING_SEED = 0  # of the draws

TARGET = "minimum validation loss"

PROPORTION = "hidden proportion"

TOTAL = "total density"

PARAMETERS = (
    *(f"{name} of W_{block}" for name in ("mean", "sd", "density") for block in BLOCKS),
    "learning rate",
)

INPUTS: Mapping[str, tuple[str, ...]] = {  # of predictors
    "all": (*PARAMETERS, PROPORTION),
    "without hidden proportion": PARAMETERS,
    "hidden proportion alone": (PROPORTION,),
    "gain and row sum of W_hh in its place": (*PARAMETERS, "gain of W_hh", "row sum of W_hh"),
}

NOTE = (
    "That value is the loss of the best constant prediction on the validation data. This rule, the groups of draws and "
    "the limit of 5 % unstable draws for a mean are our choice, made before the runs."
)


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
            read = Best(size.loss, "lower")
            cells.append(Cell(draw.name, TARGET, experiment, "trained", read, factor=size.factor))
    return tuple(listed), tuple(cells)


def study_table(
    name: str,
    scale: Scale,
    study: StudyName,
    *,
    title: str,
    source: str,
    claims: tuple[BaseClaim, ...],
    bins: tuple[Bins, ...] = (),
    inputs: Mapping[str, tuple[str, ...]] | None = None,
) -> Study:
    """Return a table of a study, which shows its draws by some features or predicts their losses."""
    listed, cells = draws(study, scale)
    size = STUDIES[study][scale]
    return Study(
        name=name,
        scale=scale,
        title=title,
        source=SOURCE.format(source),
        metric="Minimum validation loss",
        unit=size.unit,
        better="lower",
        seeds=(SEED,),
        cells=cells,
        draws=listed,
        claims=claims,
        bins=bins,
        inputs=inputs or {},
        floor=size.floor,
        plan=Plan(
            seeds=() if scale == "smoke" else (SEED,),
            failure_threshold=size.constant,
            note=NOTE,
        ),
    )
