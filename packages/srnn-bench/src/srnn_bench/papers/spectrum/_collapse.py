"""A search for the collapse of un-normalised SNIP and GraSP, which Table 2 of arXiv 1912.00120 reports (88.6 to 89 %).

The paper leaves open how pixels are scaled, how un-normalised networks are initialised, and which sign of GraSP is
meant. Each row changes one of these, or the learning rate or width that scale quick changes; the last rows change all.
"""

from __future__ import annotations

from dataclasses import dataclass

from srnn_models import AnyInitialization, GlorotStacked
from srnn_pruning import SNIP, AnyCriterion, GraSP

from ...experiment import Training
from ...tables import Cell, Claim, Contrast, Scale, Table
from ._claims import COLLAPSED
from ._columns import OWN, errors, plan
from ._networks import Net, glorot, literal, pruned
from ._readings import Error
from ._schemes import G, N
from ._sizes import SIZES
from .reversed_score import Reversed

COLUMNS: dict[str, AnyCriterion] = {"SNIP": SNIP(), "GraSP": GraSP(), "GraSP, sign reversed": Reversed(base=GraSP())}

STACKED = "Glorot on the stacked gates"


@dataclass(frozen=True)
class _Setting:
    initialization: AnyInitialization
    unit_pixels: bool = False
    published_rate: bool = False  # 1e-3
    published_width: bool = False  # 400 units


SETTINGS = {
    N: _Setting(literal()),
    G: _Setting(glorot(0)),
    STACKED: _Setting(GlorotStacked()),
    f"{N}, pixels in [0, 1]": _Setting(literal(), unit_pixels=True),
    f"{N}, learning rate 1e-3": _Setting(literal(), published_rate=True),
    f"{N}, 400 units": _Setting(literal(), published_width=True),
    f"{N}, all three": _Setting(literal(), unit_pixels=True, published_rate=True, published_width=True),
    f"{STACKED}, all three": _Setting(GlorotStacked(), unit_pixels=True, published_rate=True, published_width=True),
}


def collapse(name: str, scale: Scale) -> Table:
    """Un-normalised SNIP and GraSP in eight settings."""
    size = SIZES[scale]
    cells = []
    for row, setting in SETTINGS.items():
        task = size.task.model_copy(update={"scaling": "unit"}) if setting.unit_pixels else size.task
        net = Net("GRU", size.full_hidden if setting.published_width else size.hidden, setting.initialization)
        training = _with_rate(size.training) if setting.published_rate else size.training
        for column, criterion in COLUMNS.items():
            cells.append(Cell(row, column, net.trained(task, training, pruned(criterion)), "trained", Error()))
    claims = tuple(
        Claim(
            f"collapse, {row}",
            "Un-normalised SNIP and GraSP cannot be trained; read as: their errors, the one of GraSP with either sign, "
            f"are above {COLLAPSED:g} %.",
            "section 3.1 and Table 2",
            tuple(Contrast(((row, column, -1.0),), bound=-COLLAPSED) for column in COLUMNS),
        )
        for row in SETTINGS
    )
    note = "A collapse is far from any other error: three seeds per cell decide it."
    return errors(
        name,
        scale,
        title="Test error of a GRU on sequential MNIST pruned by un-normalised SNIP and GraSP, 95 % sparse",
        source=OWN + ": settings in which Table 2 might be reproduced",
        cells=cells,
        claims=claims,
        plan=plan(scale, note, seeds=size.fewer_seeds[:3]),
    )


def _with_rate(training: Training) -> Training:
    return training.model_copy(update={"learning_rate": 1e-3})
