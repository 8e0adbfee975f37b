"""Experiments with sparse recurrent networks, the tables of the papers, and the report that judges their claims.

An `Experiment` names the task, the model, the sparsity and the training. `run` turns an experiment and a seed into a
`Result`; `sweep` executes many runs and writes their results to a `Store`. `papers` contains the tables of the papers,
`summarise` fills a table from a store, and `judge` tests its claims.
"""

from importlib.metadata import version as _version

from ._errors import BenchError as BenchError
from ._files import DiskError as DiskError
from .experiment import PACKAGES as PACKAGES
from .experiment import SGD as SGD
from .experiment import Adam as Adam
from .experiment import AdamW as AdamW
from .experiment import Annealing as Annealing
from .experiment import AnyOptimizer as AnyOptimizer
from .experiment import AnyRates as AnyRates
from .experiment import Conditions as Conditions
from .experiment import Constant as Constant
from .experiment import Environment as Environment
from .experiment import Epoch as Epoch
from .experiment import EpochEnd as EpochEnd
from .experiment import Experiment as Experiment
from .experiment import Job as Job
from .experiment import Masked as Masked
from .experiment import Penalty as Penalty
from .experiment import Result as Result
from .experiment import Signed as Signed
from .experiment import Stage as Stage
from .experiment import StageResult as StageResult
from .experiment import Training as Training
from .experiment import override as override
from .experiment import schemas as schemas
from .papers import Figure as Figure
from .papers import FigureRequest as FigureRequest
from .papers import Paper as Paper
from .report import print_report as print_report
from .report import section as section
from .report import write_figures as write_figures
from .report import write_html as write_html
from .report import write_markdown as write_markdown
from .store import Store as Store
from .store import export as export
from .sweep import Executor as Executor
from .sweep import RayExecutor as RayExecutor
from .sweep import Watcher as Watcher
from .sweep import sweep as sweep
from .tables import SCALES as SCALES
from .tables import AtStep as AtStep
from .tables import Best as Best
from .tables import Cell as Cell
from .tables import Claim as Claim
from .tables import Contrast as Contrast
from .tables import Judgement as Judgement
from .tables import Plan as Plan
from .tables import Published as Published
from .tables import Reading as Reading
from .tables import Scale as Scale
from .tables import StepsTo as StepsTo
from .tables import Summary as Summary
from .tables import Table as Table
from .tables import WeightsPresent as WeightsPresent
from .tables import beats as beats
from .tables import beyond as beyond
from .tables import judge as judge
from .tables import ledger as ledger
from .tables import matches as matches
from .tables import override_table as override_table
from .tables import summarise as summarise
from .tables import within as within
from .training import run as run

__version__ = _version("srnn-bench")

__all__ = [
    "PACKAGES",
    "SCALES",
    "SGD",
    "Adam",
    "AdamW",
    "Annealing",
    "AnyOptimizer",
    "AnyRates",
    "AtStep",
    "BenchError",
    "Best",
    "Cell",
    "Claim",
    "Conditions",
    "Constant",
    "Contrast",
    "DiskError",
    "Environment",
    "Epoch",
    "EpochEnd",
    "Executor",
    "Experiment",
    "Figure",
    "FigureRequest",
    "Job",
    "Judgement",
    "Masked",
    "Paper",
    "Penalty",
    "Plan",
    "Published",
    "RayExecutor",
    "Reading",
    "Result",
    "Scale",
    "Signed",
    "Stage",
    "StageResult",
    "StepsTo",
    "Store",
    "Summary",
    "Table",
    "Training",
    "Watcher",
    "WeightsPresent",
    "beats",
    "beyond",
    "export",
    "judge",
    "ledger",
    "matches",
    "override",
    "override_table",
    "print_report",
    "run",
    "schemas",
    "section",
    "summarise",
    "sweep",
    "within",
    "write_figures",
    "write_html",
    "write_markdown",
]
