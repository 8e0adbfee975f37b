"""TODO experiment."""

from ._conditions import Conditions as Conditions
from ._draft import Absent as Absent
from ._draft import Draft as Draft
from ._draft import Path as Path
from ._draft import paths as paths
from ._experiment import Experiment as Experiment
from ._experiment import Masked as Masked
from ._experiment import Penalty as Penalty
from ._experiment import Signed as Signed
from ._experiment import Stage as Stage
from ._job import Job as Job
from ._key import canonical as canonical
from ._override import override as override
from ._result import Environment as Environment
from ._result import Epoch as Epoch
from ._result import EpochEnd as EpochEnd
from ._result import Result as Result
from ._result import RunOutput as RunOutput
from ._result import StageResult as StageResult
from ._schemas import schemas as schemas
from ._training import SGD as SGD
from ._training import Adam as Adam
from ._training import AdamW as AdamW
from ._training import Annealing as Annealing
from ._training import AnyOptimizer as AnyOptimizer
from ._training import AnyRates as AnyRates
from ._training import Constant as Constant
from ._training import Training as Training
from ._versions import ELSEWHERE as ELSEWHERE
from ._versions import PACKAGES as PACKAGES
from ._versions import commit as commit
from ._versions import difference_between as difference_between
from ._versions import packages_of as packages_of
from ._versions import versions_differ as versions_differ

__all__ = [
    "ELSEWHERE",
    "PACKAGES",
    "SGD",
    "Absent",
    "Adam",
    "AdamW",
    "Annealing",
    "AnyOptimizer",
    "AnyRates",
    "Conditions",
    "Constant",
    "Draft",
    "Environment",
    "Epoch",
    "EpochEnd",
    "Experiment",
    "Job",
    "Masked",
    "Path",
    "Penalty",
    "Result",
    "RunOutput",
    "Signed",
    "Stage",
    "StageResult",
    "Training",
    "canonical",
    "commit",
    "difference_between",
    "override",
    "packages_of",
    "paths",
    "schemas",
    "versions_differ",
]
