"""Pruning of recurrent networks: criteria, schedules, exact counts, and the lottery. Masks are worn by `srnn_masks`."""

from importlib.metadata import version as _version

from ._criteria import AnyCriterion as AnyCriterion
from ._criteria import Criterion as Criterion
from ._criteria import Magnitude as Magnitude
from ._criteria import Random as Random
from ._lottery import reinitialize as reinitialize
from ._lottery import rewind as rewind
from ._lottery import snapshot as snapshot
from ._pruning import Pruner as Pruner
from ._pruning import Pruning as Pruning
from ._pruning import prune as prune
from ._schedules import AnySchedule as AnySchedule
from ._schedules import Linear as Linear
from ._schedules import OneShot as OneShot
from ._schedules import Proportional as Proportional
from ._schedules import Schedule as Schedule
from ._scope import densities as densities

__version__ = _version("srnn-pruning")

__all__ = [
    "AnyCriterion",
    "AnySchedule",
    "Criterion",
    "Linear",
    "Magnitude",
    "OneShot",
    "Proportional",
    "Pruner",
    "Pruning",
    "Random",
    "Schedule",
    "densities",
    "prune",
    "reinitialize",
    "rewind",
    "snapshot",
]
