"""Tasks for recurrent networks, and the contract by which a third party adds its own.

A task is a frozen value. `open` makes a source of it, which gives batches, a loss and an evaluation.
"""

from importlib.metadata import version

from ._adding import Adding as Adding
from ._adding import AddingSource as AddingSource
from ._any_task import AnyTask as AnyTask
from ._batch import Batch as Batch
from ._dataset import BatchDataset as BatchDataset
from ._loss import position_losses as position_losses
from ._loss import weighted_mean as weighted_mean
from ._model import Model as Model
from ._model import carried as carried
from ._model import evaluating as evaluating
from ._neurogym import Neurogym as Neurogym
from ._neurogym import NeurogymSource as NeurogymSource
from ._path_integration import PathIntegration as PathIntegration
from ._path_integration import PathIntegrationSource as PathIntegrationSource
from ._place_code import decode as decode
from ._place_code import place_code as place_code
from ._registry import TaskEntry as TaskEntry
from ._registry import entries as entries
from ._registry import find as find
from ._registry import kinds as kinds
from ._sequential_mnist import SequentialMNIST as SequentialMNIST
from ._sequential_mnist import SequentialMNISTSource as SequentialMNISTSource
from ._source import BaseSource as BaseSource
from ._source import Source as Source
from ._source import Split as Split
from ._spec import LossKind as LossKind
from ._spec import Metric as Metric
from ._spec import TaskSpec as TaskSpec
from ._task import Task as Task
from ._wikitext import WikiText as WikiText
from ._wikitext import WikiTextSource as WikiTextSource
from .cognitive import Cognitive as Cognitive
from .cognitive import CognitiveSource as CognitiveSource

__version__ = version("srnn-tasks")

__all__ = [
    "Adding",
    "AddingSource",
    "AnyTask",
    "BaseSource",
    "Batch",
    "BatchDataset",
    "Cognitive",
    "CognitiveSource",
    "LossKind",
    "Metric",
    "Model",
    "Neurogym",
    "NeurogymSource",
    "PathIntegration",
    "PathIntegrationSource",
    "SequentialMNIST",
    "SequentialMNISTSource",
    "Source",
    "Split",
    "Task",
    "TaskEntry",
    "TaskSpec",
    "WikiText",
    "WikiTextSource",
    "carried",
    "decode",
    "entries",
    "evaluating",
    "find",
    "kinds",
    "place_code",
    "position_losses",
    "weighted_mean",
]
