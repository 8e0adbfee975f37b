"""Tasks for recurrent networks, and the contract by which a third party adds its own.

A task is a frozen value. `open` makes a source of it, which gives batches, a loss and an evaluation.
"""

from importlib.metadata import version

from ._adding import Adding as Adding
from ._adding import AddingSource as AddingSource
from ._dataset import BatchDataset as BatchDataset
from ._neurogym import Neurogym as Neurogym
from ._neurogym import NeurogymSource as NeurogymSource
from .anomaly import RandomAnomaly as RandomAnomaly
from .anomaly import RandomAnomalySource as RandomAnomalySource
from .cognitive import Cognitive as Cognitive
from .cognitive import CognitiveSource as CognitiveSource
from .contract import BaseSource as BaseSource
from .contract import Batch as Batch
from .contract import Channels as Channels
from .contract import DataSet as DataSet
from .contract import LossKind as LossKind
from .contract import Metric as Metric
from .contract import Model as Model
from .contract import Outline as Outline
from .contract import Source as Source
from .contract import Split as Split
from .contract import Task as Task
from .contract import TaskError as TaskError
from .contract import TaskSpec as TaskSpec
from .contract import adapt as adapt
from .contract import apply_model as apply_model
from .contract import carried as carried
from .contract import evaluating as evaluating
from .contract import position_losses as position_losses
from .contract import step_model as step_model
from .contract import weighted_mean as weighted_mean
from .drawing import plot as plot
from .images import SequentialMNIST as SequentialMNIST
from .images import SequentialMNISTSource as SequentialMNISTSource
from .navigation import PathIntegration as PathIntegration
from .navigation import PathIntegrationSource as PathIntegrationSource
from .navigation import decode as decode
from .navigation import place_code as place_code
from .registry import AnyTask as AnyTask
from .registry import Extension as Extension
from .registry import Extensions as Extensions
from .registry import TaskEntry as TaskEntry
from .registry import entries as entries
from .registry import find as find
from .registry import kinds as kinds
from .robotics import AdroitHammer as AdroitHammer
from .robotics import AdroitHammerSource as AdroitHammerSource
from .robotics import ImitationSource as ImitationSource
from .robotics import Minari as Minari
from .text import WikiText as WikiText
from .text import WikiTextSource as WikiTextSource

__version__ = version("srnn-tasks")

__all__ = [
    "Adding",
    "AddingSource",
    "AdroitHammer",
    "AdroitHammerSource",
    "AnyTask",
    "BaseSource",
    "Batch",
    "BatchDataset",
    "Channels",
    "Cognitive",
    "CognitiveSource",
    "DataSet",
    "Extension",
    "Extensions",
    "ImitationSource",
    "LossKind",
    "Metric",
    "Minari",
    "Model",
    "Neurogym",
    "NeurogymSource",
    "Outline",
    "PathIntegration",
    "PathIntegrationSource",
    "RandomAnomaly",
    "RandomAnomalySource",
    "SequentialMNIST",
    "SequentialMNISTSource",
    "Source",
    "Split",
    "Task",
    "TaskEntry",
    "TaskError",
    "TaskSpec",
    "WikiText",
    "WikiTextSource",
    "adapt",
    "apply_model",
    "carried",
    "decode",
    "entries",
    "evaluating",
    "find",
    "kinds",
    "place_code",
    "plot",
    "position_losses",
    "step_model",
    "weighted_mean",
]
