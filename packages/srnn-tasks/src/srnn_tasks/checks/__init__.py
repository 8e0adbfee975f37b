"""The parts of `srnn_tasks.testing.check_task`, and a probe that stands in for a model.

Each check raises an AssertionError that names the part of the contract that a task breaks.
"""

from ._batch import check_batch as check_batch
from ._batch import check_source as check_source
from ._loss import check_loss as check_loss
from ._probe import Probe as Probe
from ._stream import check_evaluate as check_evaluate
from ._stream import check_seeds as check_seeds
from ._stream import check_state as check_state
from ._tools import globals_untouched as globals_untouched
from ._tools import opened as opened
from ._tools import require as require
from ._tools import seeded_generator as seeded_generator
from ._value import check_value as check_value

__all__ = [
    "Probe",
    "check_batch",
    "check_evaluate",
    "check_loss",
    "check_seeds",
    "check_source",
    "check_state",
    "check_value",
    "globals_untouched",
    "opened",
    "require",
    "seeded_generator",
]
