"""Tables of papers, their claims, and verdicts on them.

A `Table` declares cells, each an experiment, a stage and a reading; `summarise` fills them with the results of a store,
and `judge` tests the claims of the table statistically, by the rules of its `Plan`. A `Study` is a table with one row
per draw of hyperparameters, whose claims are about draws. Declarations do not depend on results: within this room each
file imports only those before it, in the order that integration_tests/test_rooms.py lists.
"""

from ._cell import SCALES as SCALES
from ._cell import Cell as Cell
from ._cell import Place as Place
from ._cell import Published as Published
from ._cell import Scale as Scale
from ._claim import LEVEL as LEVEL
from ._claim import BaseClaim as BaseClaim
from ._claim import Claim as Claim
from ._claim import Contrast as Contrast
from ._claim import Verdict as Verdict
from ._claim import beats as beats
from ._claim import beyond as beyond
from ._claim import matches as matches
from ._claim import within as within
from ._column_claim import AcrossColumns as AcrossColumns
from ._comparison import Comparison as Comparison
from ._comparison import compare as compare
from ._curve_readings import AtStep as AtStep
from ._curve_readings import Best as Best
from ._curve_readings import StepsTo as StepsTo
from ._curve_readings import evaluations as evaluations
from ._draw import Draw as Draw
from ._draw import Group as Group
from ._filled import FilledCell as FilledCell
from ._forecast import Forecast as Forecast
from ._forecast import chance_of_no_failure as chance_of_no_failure
from ._forecast import forecast as forecast
from ._forecast import largest_hidden_rate as largest_hidden_rate
from ._forecast import runs_that_exclude as runs_that_exclude
from ._forecast import seed_correlation as seed_correlation
from ._forest import Regressor as Regressor
from ._forest import forest as forest
from ._judge import judge as judge
from ._judgement import EXPLORATORY as EXPLORATORY
from ._judgement import Judgement as Judgement
from ._ledger import ledger as ledger
from ._override import override_table as override_table
from ._own import OwnExperiment as OwnExperiment
from ._plan import Plan as Plan
from ._prediction import Prediction as Prediction
from ._prediction import Predictor as Predictor
from ._prediction import can_predict as can_predict
from ._prediction import has_predictors as has_predictors
from ._prediction import predict as predict
from ._prediction import require_predictors as require_predictors
from ._publish import publish as publish
from ._publish import published_path as published_path
from ._readings import HeldOut as HeldOut
from ._readings import Reading as Reading
from ._readings import WeightsPresent as WeightsPresent
from ._sample import Sample as Sample
from ._sensitivity import VARIANTS as VARIANTS
from ._sensitivity import Sensitivity as Sensitivity
from ._sensitivity import sensitivity as sensitivity
from ._statistics import bootstrap as bootstrap
from ._statistics import combine as combine
from ._statistics import fisher as fisher
from ._statistics import hedges as hedges
from ._statistics import holm as holm
from ._statistics import mann_whitney as mann_whitney
from ._statistics import t_test as t_test
from ._statistics import two_sided as two_sided
from ._study import Bins as Bins
from ._study import Study as Study
from ._study_claim import LowerLoss as LowerLoss
from ._study_claim import MoreOftenUnstable as MoreOftenUnstable
from ._study_claim import Predicts as Predicts
from ._study_claim import PredictsBetter as PredictsBetter
from ._study_claim import RankCorrelation as RankCorrelation
from ._study_claim import ShareUnstable as ShareUnstable
from ._study_claim import StudyClaim as StudyClaim
from ._study_claim import StudyTest as StudyTest
from ._study_forecast import StudyForecast as StudyForecast
from ._study_forecast import study_forecast as study_forecast
from ._study_losses import Bin as Bin
from ._study_losses import StudyLosses as StudyLosses
from ._study_losses import bins as bins
from ._study_losses import study_losses as study_losses
from ._summary import Summary as Summary
from ._summary import summarise as summarise
from ._summary import without_results as without_results
from ._table import Relatives as Relatives
from ._table import Remarks as Remarks
from ._table import Table as Table
from ._table import fitting as fitting
from ._table import no_remarks as no_remarks

__all__ = [
    "EXPLORATORY",
    "LEVEL",
    "SCALES",
    "VARIANTS",
    "AcrossColumns",
    "AtStep",
    "BaseClaim",
    "Best",
    "Bin",
    "Bins",
    "Cell",
    "Claim",
    "Comparison",
    "Contrast",
    "Draw",
    "FilledCell",
    "Forecast",
    "Group",
    "HeldOut",
    "Judgement",
    "LowerLoss",
    "MoreOftenUnstable",
    "OwnExperiment",
    "Place",
    "Plan",
    "Prediction",
    "Predictor",
    "Predicts",
    "PredictsBetter",
    "Published",
    "RankCorrelation",
    "Reading",
    "Regressor",
    "Relatives",
    "Remarks",
    "Sample",
    "Scale",
    "Sensitivity",
    "ShareUnstable",
    "StepsTo",
    "Study",
    "StudyClaim",
    "StudyForecast",
    "StudyLosses",
    "StudyTest",
    "Summary",
    "Table",
    "Verdict",
    "WeightsPresent",
    "beats",
    "beyond",
    "bins",
    "bootstrap",
    "can_predict",
    "chance_of_no_failure",
    "combine",
    "compare",
    "evaluations",
    "fisher",
    "fitting",
    "forecast",
    "forest",
    "has_predictors",
    "hedges",
    "holm",
    "judge",
    "largest_hidden_rate",
    "ledger",
    "mann_whitney",
    "matches",
    "no_remarks",
    "override_table",
    "predict",
    "publish",
    "published_path",
    "require_predictors",
    "runs_that_exclude",
    "seed_correlation",
    "sensitivity",
    "study_forecast",
    "study_losses",
    "summarise",
    "t_test",
    "two_sided",
    "within",
    "without_results",
]
