"""Experiments of sparse recurrent networks, the tables of the papers, and the report that judges them.

An `Experiment` names the task, the model, what is sparse and how it is trained; `run` makes a `Result` of it and a
seed; a `Store` keeps results; `papers` holds the tables.
"""

from importlib.metadata import version as _version

from ._claims import Claim as Claim
from ._claims import Contrast as Contrast
from ._claims import Judgement as Judgement
from ._claims import judge as judge
from ._disk import DiskError as DiskError
from ._environment import PACKAGES as PACKAGES
from ._experiment import Experiment as Experiment
from ._experiment import Masked as Masked
from ._experiment import Penalty as Penalty
from ._experiment import Signed as Signed
from ._experiment import Stage as Stage
from ._export import export as export
from ._job import Conditions as Conditions
from ._job import Job as Job
from ._ledger import ledger as ledger
from ._overrides import override as override
from ._overrides import override_table as override_table
from ._rates import Annealing as Annealing
from ._rates import AnyRates as AnyRates
from ._rates import Constant as Constant
from ._ray import Ray as Ray
from ._readings import AtStep as AtStep
from ._readings import Present as Present
from ._readings import Reading as Reading
from ._readings import StepsTo as StepsTo
from ._readings import censored as censored
from ._report import print_report as print_report
from ._report import write_figures as write_figures
from ._report import write_html as write_html
from ._report import write_markdown as write_markdown
from ._result import Environment as Environment
from ._result import Epoch as Epoch
from ._result import Result as Result
from ._result import StageResult as StageResult
from ._run import run as run
from ._schema import schemas as schemas
from ._store import Store as Store
from ._summary import Summary as Summary
from ._summary import summarise as summarise
from ._sweep import sweep as sweep
from ._table import Cell as Cell
from ._table import Published as Published
from ._table import Table as Table
from ._training import SGD as SGD
from ._training import Adam as Adam
from ._training import AdamW as AdamW
from ._training import AnyOptimizer as AnyOptimizer
from ._training import Training as Training
from ._watch import Quiet as Quiet
from ._watch import Watcher as Watcher

__version__ = _version("srnn-bench")

__all__ = [
    "PACKAGES",
    "SGD",
    "Adam",
    "AdamW",
    "Annealing",
    "AnyOptimizer",
    "AnyRates",
    "AtStep",
    "Cell",
    "Claim",
    "Conditions",
    "Constant",
    "Contrast",
    "DiskError",
    "Environment",
    "Epoch",
    "Experiment",
    "Job",
    "Judgement",
    "Masked",
    "Penalty",
    "Present",
    "Published",
    "Quiet",
    "Ray",
    "Reading",
    "Result",
    "Signed",
    "Stage",
    "StageResult",
    "StepsTo",
    "Store",
    "Summary",
    "Table",
    "Training",
    "Watcher",
    "censored",
    "export",
    "judge",
    "ledger",
    "override",
    "override_table",
    "print_report",
    "run",
    "schemas",
    "summarise",
    "sweep",
    "write_figures",
    "write_html",
    "write_markdown",
]
