"""The request and the outcome, as frozen values: experiments, results and run keys.

Everything that determines a run is part of an `Experiment` and is hashed into its key; how the run is executed
(`Conditions`) is not. No tensors, no database and no file formats here, so that every other room can import it.
"""

from ._conditions import Conditions as Conditions
from ._experiment import Experiment as Experiment
from ._experiment import Masked as Masked
from ._experiment import Penalty as Penalty
from ._experiment import Signed as Signed
from ._experiment import Stage as Stage
from ._grid import GridPoint as GridPoint
from ._grid import grid_points as grid_points
from ._job import Job as Job
from ._key import canonical as canonical
from ._override import has_path as has_path
from ._override import override as override
from ._override import parse_settings as parse_settings
from ._override import unknown_path as unknown_path
from ._override import with_values as with_values
from ._request import REQUEST as REQUEST
from ._request import Request as Request
from ._request import RequestedExperiment as RequestedExperiment
from ._request import RequestedTable as RequestedTable
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
    "REQUEST",
    "SGD",
    "Adam",
    "AdamW",
    "Annealing",
    "AnyOptimizer",
    "AnyRates",
    "Conditions",
    "Constant",
    "Environment",
    "Epoch",
    "EpochEnd",
    "Experiment",
    "GridPoint",
    "Job",
    "Masked",
    "Penalty",
    "Request",
    "RequestedExperiment",
    "RequestedTable",
    "Result",
    "RunOutput",
    "Signed",
    "Stage",
    "StageResult",
    "Training",
    "canonical",
    "commit",
    "difference_between",
    "grid_points",
    "has_path",
    "override",
    "packages_of",
    "parse_settings",
    "schemas",
    "unknown_path",
    "versions_differ",
    "with_values",
]
