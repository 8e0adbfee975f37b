"""Pruning of recurrent networks: criteria, schedules, exact counts, and the lottery. Masks are applied by `srnn_masks`.

Which weights go is answered in four places: `criteria/` scores them, `Schedule` sets how many are gone at each epoch,
the scope sets which parameters count, and an exact selection turns scores and counts into masks.
"""

from importlib.metadata import version as _version

from ._chi import chi as chi
from ._errors import PruningError as PruningError
from ._errors import PruningWarning as PruningWarning
from ._lottery import reinitialize as reinitialize
from ._lottery import rewind as rewind
from ._lottery import snapshot as snapshot
from ._one_shot import one_shot as one_shot
from ._pruned import Pruned as Pruned
from ._pruner import Pruner as Pruner
from ._pruning import Pruning as Pruning
from ._pruning import prune as prune
from ._recurrences import Cell as Cell
from ._recurrences import Recurrent as Recurrent
from ._recurrences import recurrences as recurrences
from ._schedules import AnySchedule as AnySchedule
from ._schedules import Linear as Linear
from ._schedules import OneShot as OneShot
from ._schedules import Proportional as Proportional
from ._schedules import Schedule as Schedule
from ._scope import WEIGHTS as WEIGHTS
from ._scope import densities as densities
from ._sequence import Sequence as Sequence
from ._sequences import sequences as sequences
from ._summarize import summarize as summarize
from ._summary import KeptRow as KeptRow
from ._summary import RecurrenceRow as RecurrenceRow
from ._summary import Summary as Summary
from .criteria import SNIP as SNIP
from .criteria import AnyCriterion as AnyCriterion
from .criteria import Criterion as Criterion
from .criteria import GraSP as GraSP
from .criteria import JacobianSpectrum as JacobianSpectrum
from .criteria import Magnitude as Magnitude
from .criteria import Random as Random
from .criteria import Shuffled as Shuffled

__version__ = _version("srnn-pruning")

__all__ = [
    "SNIP",
    "WEIGHTS",
    "AnyCriterion",
    "AnySchedule",
    "Cell",
    "Criterion",
    "GraSP",
    "JacobianSpectrum",
    "KeptRow",
    "Linear",
    "Magnitude",
    "OneShot",
    "Proportional",
    "Pruned",
    "Pruner",
    "Pruning",
    "PruningError",
    "PruningWarning",
    "Random",
    "RecurrenceRow",
    "Recurrent",
    "Schedule",
    "Sequence",
    "Shuffled",
    "Summary",
    "chi",
    "densities",
    "one_shot",
    "prune",
    "recurrences",
    "reinitialize",
    "rewind",
    "sequences",
    "snapshot",
    "summarize",
]
