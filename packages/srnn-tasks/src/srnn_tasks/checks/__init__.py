"""The checks behind `srnn_tasks.testing.check_task`, and a probe that stands in for a model.

Each check raises an AssertionError that names the part of the contract that a task breaks.
"""

from ._checks import check_batch as check_batch
from ._checks import check_evaluate as check_evaluate
from ._checks import check_loss as check_loss
from ._checks import check_seeds as check_seeds
from ._checks import check_source as check_source
from ._checks import check_state as check_state
from ._checks import check_value as check_value
from ._checks import globals_untouched as globals_untouched
from ._checks import opened as opened
from ._checks import require as require
from ._checks import seeded_generator as seeded_generator
from ._probe import Probe as Probe

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
