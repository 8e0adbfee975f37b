"""The contract between a task and the code that trains on it: `Task`, `Source`, `Batch`, `TaskSpec`, `Model`.

A task opens a source; the source yields batches, computes the loss and evaluates models; the spec states their shapes.
Every other folder builds on this one, and this one imports none of them.
"""

from ._adapter import adapt as adapt
from ._batch import Batch as Batch
from ._error import TaskError as TaskError
from ._loss import batch_loss as batch_loss
from ._loss import position_losses as position_losses
from ._loss import weighted_mean as weighted_mean
from ._model import Model as Model
from ._model import apply_model as apply_model
from ._model import carried as carried
from ._model import evaluating as evaluating
from ._model import step_model as step_model
from ._outline import DataSet as DataSet
from ._outline import Outline as Outline
from ._source import BaseSource as BaseSource
from ._source import Source as Source
from ._source import check_generator as check_generator
from ._source import check_split as check_split
from ._spec import Channels as Channels
from ._spec import LossKind as LossKind
from ._spec import Metric as Metric
from ._spec import Split as Split
from ._spec import TaskSpec as TaskSpec
from ._task import Task as Task
from ._value import Value as Value

__all__ = [
    "BaseSource",
    "Batch",
    "Channels",
    "DataSet",
    "LossKind",
    "Metric",
    "Model",
    "Outline",
    "Source",
    "Split",
    "Task",
    "TaskError",
    "TaskSpec",
    "Value",
    "adapt",
    "apply_model",
    "batch_loss",
    "carried",
    "check_generator",
    "check_split",
    "evaluating",
    "position_losses",
    "step_model",
    "weighted_mean",
]
