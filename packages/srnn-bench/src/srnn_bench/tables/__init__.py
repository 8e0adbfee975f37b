"""TODO tables."""

from ._cell import SCALES as SCALES
from ._cell import Cell as Cell
from ._cell import Published as Published
from ._cell import Scale as Scale
from ._claim import Claim as Claim
from ._claim import Contrast as Contrast
from ._claim import Verdict as Verdict
from ._claim import beats as beats
from ._claim import beyond as beyond
from ._claim import matches as matches
from ._claim import within as within
from ._filled import FilledCell as FilledCell
from ._judge import Judgement as Judgement
from ._judge import judge as judge
from ._ledger import ledger as ledger
from ._override import override_table as override_table
from ._readings import AtStep as AtStep
from ._readings import HeldOut as HeldOut
from ._readings import Reading as Reading
from ._readings import StepsTo as StepsTo
from ._readings import WeightsPresent as WeightsPresent
from ._readings import evaluations as evaluations
from ._readings import reading as reading
from ._statistics import LEVEL as LEVEL
from ._statistics import welch as welch
from ._summary import Summary as Summary
from ._summary import censored as censored
from ._summary import summarise as summarise
from ._table import Table as Table

__all__ = [
    "LEVEL",
    "SCALES",
    "AtStep",
    "Cell",
    "Claim",
    "Contrast",
    "FilledCell",
    "HeldOut",
    "Judgement",
    "Published",
    "Reading",
    "Scale",
    "StepsTo",
    "Summary",
    "Table",
    "Verdict",
    "WeightsPresent",
    "beats",
    "beyond",
    "censored",
    "evaluations",
    "judge",
    "ledger",
    "matches",
    "override_table",
    "reading",
    "summarise",
    "welch",
    "within",
]
